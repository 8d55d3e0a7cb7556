#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that OTLP requests and a pprof file of the same window agree (item 39): for each type that
both have, the same stacks, and for each stack the same total. A window that was split is given as
several requests: agree.py OTLP... PPROF"""

import sys
from collections import Counter, defaultdict

from google.protobuf.message import DecodeError

import messages
import otlp_rules
import pprof_rules
import rules
from rules import Violation


def otlp_totals(requests):
    """{(type, unit): Counter of stack -> total}. A stack is a tuple of frames."""
    totals = defaultdict(Counter)
    for data in requests:
        request = otlp_rules.Request(messages.otlp.ExportProfilesServiceRequest.FromString(
            messages.gunzip_if_packed(data)))
        dictionary = request.dictionary
        names = [request.string(function.name_strindex) for function in dictionary.function_table]
        frames = []
        for location in dictionary.location_table:
            mapping = dictionary.mapping_table[location.mapping_index]
            frames.append((location.address, request.string(mapping.filename_strindex),
                           tuple((names[line.function_index], line.line)
                                 for line in location.lines if line.function_index)))
        stacks = [tuple(frames[i] for i in stack.location_indices)
                  for stack in dictionary.stack_table]
        for profile in request.profiles():
            of_type = totals[request.type_pair(profile.sample_type)]
            for sample in profile.samples:
                of_type[stacks[sample.stack_index]] += (
                    sum(sample.values) if sample.values else len(sample.timestamps_unix_nano))
    return totals


def pprof_totals(data):
    file = pprof_rules.File(messages.pprof.Profile.FromString(messages.gunzip_if_packed(data)))
    names = {function.id: file.string(function.name) for function in file.message.function}
    filenames = {mapping.id: file.string(mapping.filename) for mapping in file.message.mapping}
    frames = {location.id: (location.address, filenames.get(location.mapping_id, ''),
                            tuple((names[line.function_id], line.line) for line in location.line))
              for location in file.message.location}
    totals = defaultdict(Counter)
    for sample in file.message.sample:
        stack = tuple(frames[location_id] for location_id in sample.location_id)
        for pair, value in zip(file.types, sample.value):
            totals[pair][stack] += value
    return totals


def check(requests, pprof_data):
    """Violations of item 39 between the bytes of requests and of a file."""
    try:
        otlp, pprof = otlp_totals(requests), pprof_totals(pprof_data)
    except (messages.Malformed, DecodeError, IndexError, KeyError) as error:
        return [Violation(39, 'one of them cannot be read: %r' % error)]
    shared = sorted(set(otlp) & set(pprof))
    if not shared:
        return [Violation(39, 'no type in common: %s and %s' % (sorted(otlp), sorted(pprof)))]
    violations = []
    for pair in shared:
        name = '%s/%s' % pair
        in_otlp, in_pprof = otlp[pair], pprof[pair]
        if len(in_otlp) != len(in_pprof):
            violations.append(Violation(39, '%s: %d stacks in OTLP, %d in pprof' % (
                name, len(in_otlp), len(in_pprof))))
        if sum(in_otlp.values()) != sum(in_pprof.values()):
            violations.append(Violation(39, '%s: total %d in OTLP, %d in pprof' % (
                name, sum(in_otlp.values()), sum(in_pprof.values()))))
        different = sum(1 for stack in set(in_otlp) | set(in_pprof)
                        if in_otlp.get(stack) != in_pprof.get(stack))
        if different:
            violations.append(Violation(39, '%s: %d stacks differ' % (name, different)))
    return violations


def main():
    if len(sys.argv) < 3:
        sys.exit('usage: agree.py OTLP... PPROF')
    files = rules.read_files(sys.argv[1:])
    violations = check([data for _, data in files[:-1]], files[-1][1])
    return rules.report([(files[-1][0], violations)])


if __name__ == '__main__':
    sys.exit(main())
