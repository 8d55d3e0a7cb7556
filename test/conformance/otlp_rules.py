#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks OTLP profile requests (raw or gzip'd ExportProfilesServiceRequest) against what the standard
and its receivers demand. One line for each violated rule, named by its item:

 1 gunzips and parses, no unknown field, no singular field twice
 2 dictionary present, all seven tables non-empty
 3 string 0 empty, element 0 of each table the empty message
 4 no two equal entries in a table
 5 every entry but 0 is referenced
 6 every index within its table
 7 no attribute list names a key twice or holds index 0
 8 resource and scope attributes: literal non-empty key, unique, value set, no key by index
 9 resource says who it is, in a size that backends take, without the command line
10 resource and scope present, scope with name and version
11 at least one Profile, each with at least one Sample
12 sample_type set and a known pair
13 period_type and period set; CPU: cpu/nanoseconds
14 Sample shapes: values or timestamps; one value without timestamps; one shape for each Profile
15 timestamps within the Profile; time within a day of now; CPU has a duration
16 no two Samples of one Profile with the same stack, attributes and link
17 values not negative; with --cumulative-heap, no stack has more in use than allocated
18 links: 16 and 8 bytes, not all zero
19 profile ids: 16 bytes, not zero, unique over all files given
20 mappings: range, file name, build ids well-formed; with --files, equal to those of the files
21 locations: address within the mapping, frame type known
22 functions have a name or file; no negative line
23 every sample has a stack, every stack has locations
24 original payload and its format both or neither
26 repeated numbers packed, once for each message
27 no threadlocal.* key
"""

import argparse
import os
import sys
import time
from collections import Counter, defaultdict

from google.protobuf.message import DecodeError

import messages
import rules
from otlp_request import TABLES, Request, value_of
from rules import Violation

SAMPLE_TYPES = {
    ('samples', 'count'), ('events', 'count'),
    ('cpu', 'nanoseconds'), ('wall', 'nanoseconds'), ('off_cpu', 'nanoseconds'),
    ('block', 'nanoseconds'), ('mutex', 'nanoseconds'),
    ('alloc_objects', 'count'), ('alloc_space', 'bytes'),
    ('inuse_objects', 'count'), ('inuse_space', 'bytes'),
    ('allocated_objects', 'count'), ('allocated_space', 'bytes'), ('space', 'bytes'),
}
CPU_TYPES = {('samples', 'count'), ('cpu', 'nanoseconds')}

FRAME_TYPES = {'beam', 'cpython', 'dotnet', 'go', 'jvm', 'kernel', 'luajit', 'native', 'perl', 'php',
               'ruby', 'rust', 'v8js'}

BUILD_ID_GNU = 'process.executable.build_id.gnu'
BUILD_ID_GO = 'process.executable.build_id.go'
BUILD_ID_HTL = 'process.executable.build_id.htlhash'

DAY_NANOS = 86400 * 10**9


# Each of the following gives the texts of the violations of one item.

def item_2(request, options):
    if not request.message.HasField('dictionary'):
        yield 'no dictionary'
    for table in TABLES:
        if not getattr(request.dictionary, table):
            yield '%s is empty' % table


def item_3(request, options):
    for table in TABLES:
        first = getattr(request.dictionary, table)[0]
        if first if table == 'string_table' else first.ByteSize():
            yield '%s[0] is not empty' % table


def item_4(request, options):
    for table in TABLES:
        seen = {}
        for i, entry in enumerate(getattr(request.dictionary, table)):
            if table != 'string_table':
                if hasattr(entry, 'attribute_indices'):
                    ordered = sorted(entry.attribute_indices)
                    entry = type(entry).FromString(entry.SerializeToString())
                    entry.attribute_indices[:] = ordered
                entry = entry.SerializeToString(deterministic=True)
            if entry in seen:
                yield '%s[%d] equals [%d]' % (table, i, seen[entry])
            seen.setdefault(entry, i)


def item_5(request, options):
    used = defaultdict(set)
    for table, index, _ in request.references():
        used[table].add(index)
    for table in TABLES:
        for i in range(1, len(getattr(request.dictionary, table))):
            if i not in used[table]:
                yield '%s[%d] is not referenced' % (table, i)


def item_6(request, options):
    sizes = {table: len(getattr(request.dictionary, table)) for table in TABLES}
    for table, index, where in request.references():
        if not 0 <= index < sizes[table]:
            yield '%s refers to %s[%d] of %d' % (where, table, index, sizes[table])


def item_7(request, options):
    for where, indices in request.attribute_lists():
        if 0 in indices:
            yield '%s lists attribute 0' % where
        keys = [key for key, _ in request.attributes(i for i in indices if i != 0)]
        for key, count in Counter(keys).items():
            if count > 1:
                yield '%s has key %r %d times' % (where, key, count)


def literal_attributes(request):
    """(where, attributes) of every resource and scope."""
    for resource_profiles in request.message.resource_profiles:
        yield 'resource', resource_profiles.resource.attributes
        for scope_profiles in resource_profiles.scope_profiles:
            yield 'scope', scope_profiles.scope.attributes


def item_8(request, options):
    for where, attributes in literal_attributes(request):
        for attribute in attributes:
            if attribute.key_strindex:
                yield '%s attribute with a key by index' % where
            elif not attribute.key:
                yield '%s attribute without key' % where
            value = value_of(attribute.value)
            if value is None:
                yield '%s attribute %r without value' % (where, attribute.key)
            elif value[0] == 'string_value_strindex':
                yield '%s attribute %r with a value by index' % (where, attribute.key)
        keys = Counter(attribute.key for attribute in attributes)
        for key, count in keys.items():
            if count > 1:
                yield '%s has key %r %d times' % (where, key, count)


def item_9(request, options):
    for resource_profiles in request.message.resource_profiles:
        if not resource_profiles.HasField('resource'):
            continue
        found = {a.key: value_of(a.value) for a in resource_profiles.resource.attributes}
        for key in ('service.name', 'service.instance.id', 'telemetry.sdk.name',
                    'telemetry.sdk.version', 'telemetry.sdk.language'):
            kind, value = found.get(key) or (None, None)
            if kind != 'string_value' or not value:
                yield 'resource has no string %s' % key
        if found.get('telemetry.sdk.name') == ('string_value', 'opentelemetry'):
            yield 'telemetry.sdk.name is reserved: opentelemetry'
        if (found.get('telemetry.sdk.language') or (0, ''))[1] not in ('', 'cpp'):
            yield 'telemetry.sdk.language is not cpp'
        if (found.get('process.pid') or ('', 0))[0] != 'int_value':
            yield 'resource has no integer process.pid'
        for key in ('process.command_args', 'process.command_line'):
            if key in found and not options.allow_command_line:
                yield '%s is sent without being asked for' % key
        for scope_profiles in resource_profiles.scope_profiles:
            attributes = (list(resource_profiles.resource.attributes) +
                          list(scope_profiles.scope.attributes))
            if len(attributes) > 25:
                yield '%d resource and scope attributes' % len(attributes)
            for attribute in attributes:
                if max(len(attribute.key.encode()),
                       len(attribute.value.string_value.encode())) > 2048:
                    yield 'attribute %.40r is longer than 2048 bytes' % attribute.key


def item_10(request, options):
    for resource_profiles in request.message.resource_profiles:
        if not resource_profiles.HasField('resource'):
            yield 'no resource'
        for scope_profiles in resource_profiles.scope_profiles:
            if not scope_profiles.HasField('scope'):
                yield 'no scope'
            elif not scope_profiles.scope.name or not scope_profiles.scope.version:
                yield 'scope without name or version'


def item_11(request, options):
    profiles = list(request.profiles())
    if not profiles:
        yield 'no profile'
    for p, profile in enumerate(profiles):
        if not profile.samples:
            yield 'profile %d has no sample' % p


def item_12(request, options):
    for p, profile in enumerate(request.profiles()):
        pair = request.type_pair(profile.sample_type)
        if pair not in SAMPLE_TYPES:
            yield 'profile %d has sample type %s/%s' % (p, *pair)


def item_13(request, options):
    for p, profile in enumerate(request.profiles()):
        pair = request.type_pair(profile.period_type)
        if not all(pair) or profile.period <= 0:
            yield 'profile %d has period %d %s/%s' % (p, profile.period, *pair)
        elif (request.type_pair(profile.sample_type) in CPU_TYPES and
              pair != ('cpu', 'nanoseconds')):
            yield 'profile %d counts CPU samples by %s/%s' % (p, *pair)


def item_14(request, options):
    for p, profile in enumerate(request.profiles()):
        shapes = set()
        for s, sample in enumerate(profile.samples):
            values, times = len(sample.values), len(sample.timestamps_unix_nano)
            shapes.add((values != 0, times != 0))
            if not values and not times:
                yield 'profile %d sample %d has neither values nor timestamps' % (p, s)
            elif values and times and values != times:
                yield 'profile %d sample %d has %d values, %d timestamps' % (p, s, values, times)
            elif values > 1 and not times:
                yield 'profile %d sample %d has %d values' % (p, s, values)
        if len(shapes) > 1 and (False, False) not in shapes:
            yield 'profile %d has samples of different shapes' % p


def item_15(request, options):
    now = options.now if options.now is not None else time.time_ns()
    for p, profile in enumerate(request.profiles()):
        start, end = profile.time_unix_nano, profile.time_unix_nano + profile.duration_nano
        if abs(start - now) > DAY_NANOS:
            yield 'profile %d is of %d, now is %d' % (p, start, now)
        if not profile.duration_nano and request.type_pair(profile.sample_type) in CPU_TYPES:
            yield 'profile %d has no duration' % p
        outside = sum(1 for sample in profile.samples for at in sample.timestamps_unix_nano
                      if not start <= at < end)
        if outside:
            yield 'profile %d has %d timestamps outside of its time' % (p, outside)


def item_16(request, options):
    for p, profile in enumerate(request.profiles()):
        seen = {}
        for s, sample in enumerate(profile.samples):
            identity = (sample.stack_index, frozenset(sample.attribute_indices), sample.link_index)
            if identity in seen:
                yield 'profile %d samples %d and %d are the same' % (p, seen[identity], s)
            seen.setdefault(identity, s)


def item_17(request, options):
    by_stack = defaultdict(Counter)
    for p, profile in enumerate(request.profiles()):
        kind = request.string(profile.sample_type.type_strindex)
        for s, sample in enumerate(profile.samples):
            if any(value < 0 for value in sample.values):
                yield 'profile %d sample %d has a negative value' % (p, s)
            by_stack[sample.stack_index][kind] += sum(sample.values)
    if not options.cumulative_heap:
        return
    for stack, values in by_stack.items():
        for what in ('objects', 'space'):
            if values['inuse_' + what] > values['alloc_' + what]:
                yield 'stack %d has %d of %d %s in use' % (
                    stack, values['inuse_' + what], values['alloc_' + what], what)


def item_18(request, options):
    for i, link in enumerate(request.dictionary.link_table):
        if i == 0:
            continue
        if len(link.trace_id) != 16 or len(link.span_id) != 8:
            yield 'link %d has ids of %d and %d bytes' % (i, len(link.trace_id), len(link.span_id))
        elif not any(link.trace_id) or not any(link.span_id):
            yield 'link %d has an id of zeros' % i


def item_19(request, options):
    for p, profile in enumerate(request.profiles()):
        profile_id = profile.profile_id
        if not profile_id:
            continue
        if len(profile_id) != 16 or not any(profile_id):
            yield 'profile %d has id %r' % (p, profile_id.hex())
        elif profile_id in options.profile_ids:
            yield 'profile %d has id %s, which is taken' % (p, profile_id.hex())
        options.profile_ids.add(profile_id)


def item_20(request, options):
    for i, mapping in enumerate(request.dictionary.mapping_table):
        if i == 0:
            continue
        name = request.string(mapping.filename_strindex)
        if (mapping.memory_start or mapping.memory_limit) and (
                mapping.memory_start >= mapping.memory_limit):
            yield 'mapping %d ends before it starts' % i
        if not name:
            yield 'mapping %d has no file name' % i
        ids = {key: value[1] for key, value in request.attributes(mapping.attribute_indices)
               if value is not None and value[0] == 'string_value'}
        gnu, htl = ids.get(BUILD_ID_GNU), ids.get(BUILD_ID_HTL)
        if not gnu and not htl and not ids.get(BUILD_ID_GO):
            yield 'mapping %d (%s) has no build id' % (i, name)
        if gnu is not None and not rules.GNU_BUILD_ID.fullmatch(gnu):
            yield 'mapping %d (%s) has gnu build id %r' % (i, name, gnu)
        if htl is not None and not rules.HTL_HASH.fullmatch(htl):
            yield 'mapping %d (%s) has htlhash %r' % (i, name, htl)
        if options.files and name and os.path.isfile(name):
            if gnu is not None and gnu != rules.readelf_build_id(name):
                yield 'mapping %d: %s has another gnu build id than %s' % (i, name, gnu)
            if htl is not None and htl.lower() != rules.htl_hash(name):
                yield 'mapping %d: %s has another htlhash than %s' % (i, name, htl)


def item_21(request, options):
    for i, location in enumerate(request.dictionary.location_table):
        if i == 0:
            continue
        mapping = request.entry('mapping_table', location.mapping_index)
        if location.mapping_index and mapping is not None and (
                mapping.memory_start < mapping.memory_limit) and not (
                    mapping.memory_start <= location.address <= mapping.memory_limit):
            yield 'location %d at %#x is outside of mapping %d' % (
                i, location.address, location.mapping_index)
        if not location.lines and not location.mapping_index:
            yield 'location %d has neither lines nor mapping' % i
        frame = [value for key, value in request.attributes(location.attribute_indices)
                 if key == 'profile.frame.type']
        if len(frame) == 0 or frame[0] is None or frame[0][1] not in FRAME_TYPES:
            yield 'location %d has no known profile.frame.type' % i


def item_22(request, options):
    for i, function in enumerate(request.dictionary.function_table):
        if i and not (function.name_strindex or function.system_name_strindex or
                      function.filename_strindex):
            yield 'function %d has neither name nor file' % i
        if function.start_line < 0:
            yield 'function %d starts at line %d' % (i, function.start_line)
    for i, location in enumerate(request.dictionary.location_table):
        if any(line.line < 0 or line.column < 0 for line in location.lines):
            yield 'location %d has a negative line or column' % i


def item_23(request, options):
    for i, stack in enumerate(request.dictionary.stack_table):
        if i and (not stack.location_indices or 0 in stack.location_indices):
            yield 'stack %d is empty or has location 0' % i
    for p, profile in enumerate(request.profiles()):
        without = sum(1 for sample in profile.samples if not sample.stack_index)
        if without:
            yield 'profile %d has %d samples without stack' % (p, without)


def item_24(request, options):
    for p, profile in enumerate(request.profiles()):
        if bool(profile.original_payload) != bool(profile.original_payload_format):
            yield 'profile %d has only one of original payload and its format' % p


def item_27(request, options):
    keys = [request.string(a.key_strindex) for a in request.dictionary.attribute_table]
    for _, attributes in literal_attributes(request):
        keys += [attribute.key for attribute in attributes]
    for key in keys:
        if key and key.startswith('threadlocal.'):
            yield 'key %r' % key


# By item; 1 and 26 are found in the bytes, not in the parsed request.
ITEMS = {int(name[5:]): function for name, function in sorted(globals().items())
         if name.startswith('item_')}


class Options:
    """now: Unix time in ns, None for the clock's; files: compare build ids with the files on this
    machine. The profile ids seen are kept here, so requests that belong together share Options."""

    def __init__(self, now=None, files=False, cumulative_heap=False, allow_command_line=False):
        self.now = now
        self.files = files
        self.cumulative_heap = cumulative_heap
        self.allow_command_line = allow_command_line
        self.profile_ids = set()


def check(data, options=None):
    """All violations of one request, given as raw or gzip'd bytes."""
    options = options or Options()
    descriptor = messages.otlp.ExportProfilesServiceRequest.DESCRIPTOR
    try:
        data = messages.gunzip_if_packed(data)
        scan = messages.Scan(data, descriptor)
        parsed = messages.otlp.ExportProfilesServiceRequest.FromString(data)
    except (messages.Malformed, DecodeError) as error:
        return [Violation(1, str(error))]
    violations = [Violation(1, 'unknown field %s' % path) for path in scan.unknown]
    violations += [Violation(1, '%s occurs twice' % path) for path in scan.repeated]
    violations += [Violation(26, '%s is not one packed field' % path)
                   for path in sorted(set(scan.not_packed))]
    request = Request(parsed)
    for item in sorted(ITEMS):
        violations += [Violation(item, text) for text in ITEMS[item](request, options)]
        if item == 2 and violations and violations[-1].item == 2:
            break  # nothing can be looked up
    return violations


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('paths', nargs='+', metavar='FILE', help='raw or gzip\'d request')
    parser.add_argument('--now', type=int, help='Unix time in nanoseconds instead of the clock\'s')
    parser.add_argument('--files', action='store_true', help='compare build ids with the files')
    parser.add_argument('--cumulative-heap', action='store_true',
                        help='allocations are counted since the start of the process')
    parser.add_argument('--allow-command-line', action='store_true',
                        help='the user asked for the command line to be sent')
    arguments = parser.parse_args()
    options = Options(arguments.now, arguments.files, arguments.cumulative_heap,
                      arguments.allow_command_line)
    return rules.report([(path, check(data, options))
                         for path, data in rules.read_files(arguments.paths)])


if __name__ == '__main__':
    sys.exit(main())
