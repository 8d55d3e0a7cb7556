# SPDX-License-Identifier: Apache-2.0
"""What tests of delivery ask of the requests that arrived, by the .proto files alone."""
import collections
import re

import paths  # noqa: F401
import harness  # noqa: F401: sets the path for the next two
from messages import otlp
from otlp_request import Request


def requests_of(bodies):
    return [Request(otlp.ExportProfilesServiceRequest.FromString(body)) for body in bodies]


def resource(request):
    attributes = request.message.resource_profiles[0].resource.attributes
    return {a.key: a.value.int_value or a.value.string_value for a in attributes}


def without_repeats(requests):
    """(requests, how many were left out): one that has a profile id seen before is the same again."""
    seen, kept, repeats = set(), [], 0
    for request in requests:
        ids = {bytes(profile.profile_id) for profile in request.profiles()}
        if ids & seen:
            repeats += 1
            assert ids <= seen, "a request that is in part a repetition"
        else:
            kept.append(request)
        seen |= ids
    return kept, repeats


def leaf_counts(requests, value_type, pattern):
    """Sum of values by what `pattern` finds in the name of a stack's leaf function."""
    counts = collections.Counter()
    for request in requests:
        dictionary = request.dictionary
        for profile in request.profiles():
            if request.type_pair(profile.sample_type)[0] != value_type:
                continue
            for sample in profile.samples:
                locations = dictionary.stack_table[sample.stack_index].location_indices
                leaf = dictionary.location_table[locations[0]] if locations else None
                if leaf is None or not leaf.lines:
                    continue
                function = dictionary.function_table[leaf.lines[0].function_index]
                found = re.search(pattern, request.string(function.name_strindex))
                if found:
                    counts[int(found.group(1))] += sum(sample.values) or len(
                        sample.timestamps_unix_nano)
    return counts


def profile_attributes(profile, request):
    return {key: value for key, (_, value) in request.attributes(profile.attribute_indices)}
