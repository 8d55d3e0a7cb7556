#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""otlp_rules.py finds nothing in a good request, and in one with a single fault just that fault.
usage: otlp_rules_test.py DIRECTORY-OF-write_sample_profiles"""

import gzip
import os
import sys

import messages
import mutations
import otlp_rules
import otlp_table_faults  # registers its faults
import rules
from otlp_fault_tools import MUTATIONS, NOW, profile
from otlp_profile_faults import SAMPLE, command_line

BYTE_MUTATIONS = [
    ('truncated', 1, lambda data: data[:-1]),
    ('truncated gzip', 1, lambda data: gzip.compress(data)[:-9]),
    ('unknown field at the top', 1, lambda data: data + b'\x78\x01'),
    ('two dictionaries', 1, lambda data: data + b'\x12\x00'),
    ('wrong wire type', 1, lambda data: data + b'\x08\x01'),
    ('stack index twice', 1, lambda data: mutations.edit_nested(data, SAMPLE, mutations.repeat(1))),
    ('timestamps in two chunks', 26,
     lambda data: mutations.edit_nested(
         data, SAMPLE, lambda sample: sample + b'\x2a\x08' + NOW.to_bytes(8, 'little'))),
    ('attribute indices not packed', 26,
     lambda data: mutations.edit_nested(data, SAMPLE, mutations.unpack(2))),
]


def check(data, **options):
    return otlp_rules.check(data, otlp_rules.Options(now=NOW, **options))


def try_options(tally, good):
    """Rules that are off unless asked for, or go beyond one request."""
    request = messages.otlp.ExportProfilesServiceRequest.FromString(good)
    types = [otlp_rules.Request(request).type_pair(p.sample_type)[0]
             for p in otlp_rules.Request(request).profiles()]
    in_use = profile(request, types.index('inuse_space'))
    in_use.samples[0].values[0] = 10**15
    tally.expect('cumulative heap', check(good, cumulative_heap=True), [])
    tally.expect('more in use than allocated', check(request.SerializeToString()), [])
    tally.expect('more in use than allocated, cumulative',
                 check(request.SerializeToString(), cumulative_heap=True), [17])

    request = messages.otlp.ExportProfilesServiceRequest.FromString(good)
    command_line(request)
    tally.expect('command line allowed',
                 check(request.SerializeToString(), allow_command_line=True), [])

    shared = otlp_rules.Options(now=NOW)
    tally.expect('first request', otlp_rules.check(good, shared), [])
    tally.expect('same profile ids in a second request', otlp_rules.check(good, shared), [19])

    path = os.path.realpath(sys.executable)
    request = messages.otlp.ExportProfilesServiceRequest.FromString(good)
    mapping = request.dictionary.mapping_table[1]
    request.dictionary.string_table[mapping.filename_strindex] = path
    ids = {}
    for index in mapping.attribute_indices:
        attribute = request.dictionary.attribute_table[index]
        ids[request.dictionary.string_table[attribute.key_strindex]] = attribute.value
    if otlp_rules.BUILD_ID_GNU in ids and rules.readelf_build_id(path):
        ids[otlp_rules.BUILD_ID_GNU].string_value = rules.readelf_build_id(path)
    ids[otlp_rules.BUILD_ID_HTL].string_value = rules.htl_hash(path)
    tally.expect('ids of the file', check(request.SerializeToString(), files=True), [])
    for value in ids.values():
        value.string_value = 'ab' * 16
        tally.expect('other ids than the file',
                     check(request.SerializeToString(), files=True), [20])


def main():
    with open(os.path.join(sys.argv[1], 'otlp.pb'), 'rb') as file:
        good = file.read()
    tally = mutations.Tally({1, 26} | set(otlp_rules.ITEMS))
    tally.expect('good', check(good), [])
    tally.expect('good, gzip', check(gzip.compress(good)), [])
    for name, items, function in MUTATIONS:
        request = messages.otlp.ExportProfilesServiceRequest.FromString(good)
        function(request)
        tally.expect(name, check(request.SerializeToString()), items)
    for name, item, change in BYTE_MUTATIONS:
        tally.expect(name, check(change(good)), [item])
    try_options(tally, good)
    return tally.finish()


if __name__ == '__main__':
    sys.exit(main())
