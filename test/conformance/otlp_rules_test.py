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
import rules

NOW = 1_800_000_000 * 10**9
CPU, HEAP = 0, 1  # the first of the five profiles counts CPU samples, the others are of one heap
FAR = 10**6       # outside of every table


def find(request, table, condition):
    """Index of the first entry but 0 for which the condition holds."""
    entries = getattr(request.dictionary, table)
    return next(i for i in range(1, len(entries)) if condition(entries[i]))


def string(request, text):
    return list(request.dictionary.string_table).index(text)


def add_string(request, text):
    request.dictionary.string_table.append(text)
    return len(request.dictionary.string_table) - 1


def profile(request, number):
    return request.resource_profiles[0].scope_profiles[0].profiles[number]


def resource(request):
    return request.resource_profiles[0].resource


def scope(request):
    return request.resource_profiles[0].scope_profiles[0].scope


def resource_attribute(request, key):
    return next(a for a in resource(request).attributes if a.key == key)


def attribute_of_key(request, key):
    index = string(request, key)
    return find(request, 'attribute_table', lambda entry: entry.key_strindex == index)


def shared_location(request):
    """Index of a location that several stacks have."""
    seen = set()
    for stack in request.dictionary.stack_table:
        again = seen & set(stack.location_indices)
        if again:
            return again.pop()
        seen |= set(stack.location_indices)
    raise AssertionError('no shared location')


def line_of_shared_function(request):
    """A line whose function another line has, too."""
    lines = {}
    for location in request.dictionary.location_table:
        for line in location.lines:
            if line.function_index in lines:
                return line
            lines[line.function_index] = line
    raise AssertionError('no shared function')


MUTATIONS = []


def mutation(*items):
    """The decorated function breaks exactly these items."""
    def register(function):
        MUTATIONS.append((function.__name__, items, function))
        return function
    return register


@mutation(1)
def unknown_field_deep_inside(request):
    profile(request, CPU).samples[3].MergeFromString(b'\x78\x01')


for _table in otlp_rules.TABLES:
    @mutation(2)
    def empty_table(request, table=_table):
        request.dictionary.ClearField(table)


@mutation(2)
def no_dictionary(request):
    request.ClearField('dictionary')


@mutation(3)
def zero_string(request):
    request.dictionary.string_table[0] = 'zero'


@mutation(3)
def zero_link_of_zeros(request):
    request.dictionary.link_table[0].trace_id = bytes(16)
    request.dictionary.link_table[0].span_id = bytes(8)


@mutation(3)
def zero_location(request):
    request.dictionary.location_table[0].address = 1


@mutation(3)
def zero_stack(request):
    request.dictionary.stack_table[0].location_indices.append(1)


@mutation(4)
def equal_strings(request):
    again = add_string(request, 'count')
    profile(request, CPU).sample_type.unit_strindex = again


@mutation(4)
def equal_stacks(request):
    stacks = request.dictionary.stack_table
    sample = profile(request, HEAP).samples[0]
    stacks.add().CopyFrom(stacks[sample.stack_index])
    sample.stack_index = len(stacks) - 1


@mutation(4)
def equal_mappings_in_another_order(request):
    mappings = request.dictionary.mapping_table
    location = request.dictionary.location_table[1]
    copy = mappings.add()
    copy.CopyFrom(mappings[location.mapping_index])
    copy.attribute_indices[:] = reversed(copy.attribute_indices)
    location.mapping_index = len(mappings) - 1


@mutation(4)
def equal_functions(request):
    functions = request.dictionary.function_table
    line = line_of_shared_function(request)
    functions.add().CopyFrom(functions[line.function_index])
    line.function_index = len(functions) - 1


@mutation(5)
def orphan_string(request):
    add_string(request, 'nobody refers to me')


@mutation(5)
def orphan_mapping(request):
    mappings = request.dictionary.mapping_table
    mappings.add().CopyFrom(mappings[1])
    mappings[-1].file_offset += 4096


@mutation(5)
def orphan_location(request):
    locations = request.dictionary.location_table
    locations.add().CopyFrom(locations[1])
    locations[-1].address += 1


@mutation(5)
def orphan_function(request):
    functions = request.dictionary.function_table
    functions.add().CopyFrom(functions[1])
    functions[-1].start_line = 77


@mutation(5)
def orphan_link(request):
    request.dictionary.link_table.add(trace_id=b'orphan orphan or', span_id=b'orphan o')


@mutation(5)
def orphan_attribute(request):
    request.dictionary.attribute_table.add(key_strindex=1).value.int_value = 77


@mutation(5)
def orphan_stack(request):
    request.dictionary.stack_table.add(location_indices=[1, 1, 1])


@mutation(6)
def stack_out_of_range(request):
    profile(request, HEAP).samples[0].stack_index = FAR


@mutation(6)
def link_negative(request):
    sample = next(s for s in profile(request, HEAP).samples if s.link_index)
    sample.link_index = -1


@mutation(6)
def sample_attribute_out_of_range(request):
    profile(request, HEAP).samples[0].attribute_indices.append(FAR)


@mutation(6)
def mapping_out_of_range(request):
    request.dictionary.location_table[1].mapping_index = FAR


@mutation(6)
def function_out_of_range(request):
    line_of_shared_function(request).function_index = FAR


@mutation(6)
def location_out_of_range(request):
    shared = shared_location(request)
    stack = next(s for s in request.dictionary.stack_table if shared in s.location_indices)
    stack.location_indices[list(stack.location_indices).index(shared)] = FAR


@mutation(6)
def string_out_of_range(request):
    basket = string(request, 'basket/basket.cc')
    function = find(request, 'function_table', lambda f: f.filename_strindex == basket)
    request.dictionary.function_table[function].filename_strindex = FAR


@mutation(6)
def table_one_too_short(request):
    sample = profile(request, HEAP).samples[0]
    sample.stack_index = len(request.dictionary.stack_table)


@mutation(7)
def key_twice_with_two_values(request):
    key = string(request, 'thread.id')
    of_key = [i for i, a in enumerate(request.dictionary.attribute_table) if a.key_strindex == key]
    sample = profile(request, CPU).samples[0]
    sample.attribute_indices.append(next(i for i in of_key if i not in sample.attribute_indices))


@mutation(7)
def attribute_zero_in_a_location(request):
    request.dictionary.location_table[1].attribute_indices.append(0)


@mutation(8)
def resource_key_empty(request):
    resource(request).attributes.add().value.string_value = 'x'


@mutation(8)
def resource_key_twice(request):
    for _ in range(2):
        resource(request).attributes.add(key='host.name').value.string_value = 'x'


@mutation(8)
def scope_value_missing(request):
    scope(request).attributes.add(key='x')


@mutation(8)
def resource_key_by_index(request):
    resource(request).attributes.add(key_strindex=1).value.string_value = 'x'


@mutation(8)
def resource_value_by_index(request):
    resource(request).attributes.add(key='x').value.string_value_strindex = 1


for _key in ('service.name', 'service.instance.id', 'telemetry.sdk.name', 'telemetry.sdk.version',
             'telemetry.sdk.language', 'process.pid'):
    @mutation(9)
    def resource_without(request, key=_key):
        resource(request).attributes.remove(resource_attribute(request, key))


@mutation(9)
def service_name_empty(request):
    resource_attribute(request, 'service.name').value.string_value = ''


@mutation(9)
def sdk_name_reserved(request):
    resource_attribute(request, 'telemetry.sdk.name').value.string_value = 'opentelemetry'


@mutation(9)
def sdk_language(request):
    resource_attribute(request, 'telemetry.sdk.language').value.string_value = 'go'


@mutation(9)
def pid_as_string(request):
    resource_attribute(request, 'process.pid').value.string_value = '4242'
    resource_attribute(request, 'process.pid').value.ClearField('int_value')


@mutation(9)
def too_many_attributes(request):
    for i in range(20):
        scope(request).attributes.add(key='k%d' % i).value.int_value = i


@mutation(9)
def attribute_too_long(request):
    resource(request).attributes.add(key='x').value.string_value = 'x' * 2049


@mutation(9)
def command_line(request):
    resource(request).attributes.add(key='process.command_line').value.string_value = 'a --token=b'


@mutation(10)
def no_resource(request):
    request.resource_profiles[0].ClearField('resource')


@mutation(10)
def no_scope(request):
    request.resource_profiles[0].scope_profiles[0].ClearField('scope')


@mutation(10)
def scope_without_version(request):
    scope(request).version = ''


@mutation(11)
def profile_without_samples(request):
    profile(request, HEAP).ClearField('samples')


@mutation(11)
def nothing_but_the_frame(request):
    del request.resource_profiles[0].scope_profiles[0].profiles[:]
    for table in otlp_rules.TABLES:
        del getattr(request.dictionary, table)[1:]


@mutation(12)
def type_with_a_wrong_unit(request):
    profile(request, 4).sample_type.unit_strindex = string(request, 'bytes')


@mutation(13)
def period_zero(request):
    profile(request, HEAP).period = 0


@mutation(13)
def period_negative(request):
    profile(request, HEAP).period = -1


@mutation(13)
def period_without_unit(request):
    profile(request, HEAP).period_type.unit_strindex = 0


@mutation(13)
def cpu_by_another_clock(request):
    request.dictionary.string_table[string(request, 'cpu')] = 'wall'


@mutation(14)
def sample_without_anything(request):
    profile(request, CPU).samples[0].ClearField('timestamps_unix_nano')


@mutation(14)
def two_values_without_timestamps(request):
    profile(request, HEAP).samples[0].values.append(1)


@mutation(14)
def more_values_than_timestamps(request):
    for sample in profile(request, CPU).samples:
        sample.values[:] = [1] * (len(sample.timestamps_unix_nano) + 1)


@mutation(14)
def two_shapes(request):
    sample = profile(request, CPU).samples[0]
    sample.values[:] = [1] * len(sample.timestamps_unix_nano)


@mutation(15)
def timestamp_at_the_end(request):
    cpu = profile(request, CPU)
    cpu.samples[0].timestamps_unix_nano[0] = cpu.time_unix_nano + cpu.duration_nano


@mutation(15)
def timestamp_before_the_start(request):
    cpu = profile(request, CPU)
    cpu.samples[0].timestamps_unix_nano[0] = cpu.time_unix_nano - 1


@mutation(15)
def heap_of_1970(request):
    profile(request, HEAP).time_unix_nano = 1


@mutation(15)
def cpu_without_duration(request):
    cpu = profile(request, CPU)
    cpu.duration_nano = 0
    for sample in cpu.samples:
        sample.values[:] = [len(sample.timestamps_unix_nano)]
        sample.ClearField('timestamps_unix_nano')


@mutation(16)
def same_sample_twice(request):
    samples = profile(request, CPU).samples
    samples.add().CopyFrom(samples[5])
    samples[-1].attribute_indices[:] = reversed(samples[5].attribute_indices)


@mutation(17)
def negative_value(request):
    profile(request, HEAP).samples[0].values[0] = -1


@mutation(18)
def short_trace_id(request):
    request.dictionary.link_table[1].trace_id = b'fifteen bytes..'


@mutation(18)
def zero_span_id(request):
    request.dictionary.link_table[1].span_id = bytes(8)


@mutation(19)
def short_profile_id(request):
    profile(request, CPU).profile_id = b'fifteen bytes..'


@mutation(19)
def zero_profile_id(request):
    profile(request, CPU).profile_id = bytes(16)


@mutation(19)
def profile_id_twice(request):
    profile(request, 3).profile_id = profile(request, 1).profile_id


@mutation(20)
def mapping_backwards(request):
    mapping = request.dictionary.mapping_table[1]
    mapping.memory_start, mapping.memory_limit = mapping.memory_limit, mapping.memory_start


@mutation(20)
def mapping_without_name(request):
    mapping = request.dictionary.mapping_table[1]
    # Its name becomes a function's, so that no string is an orphan.
    function = find(request, 'function_table', lambda f: f.filename_strindex == 0)
    request.dictionary.function_table[function].filename_strindex = mapping.filename_strindex
    mapping.filename_strindex = 0


@mutation(20)
def mapping_without_build_id(request):
    mapping = request.dictionary.mapping_table[1]
    profile(request, CPU).attribute_indices.extend(mapping.attribute_indices)
    mapping.ClearField('attribute_indices')


@mutation(20)
def gnu_build_id_of_odd_length(request):
    index = attribute_of_key(request, otlp_rules.BUILD_ID_GNU)
    request.dictionary.attribute_table[index].value.string_value = 'abc'


@mutation(20)
def htlhash_too_short(request):
    index = attribute_of_key(request, otlp_rules.BUILD_ID_HTL)
    request.dictionary.attribute_table[index].value.string_value = 'ab' * 15


@mutation(21)
def address_outside(request):
    location = request.dictionary.location_table[1]
    location.address = request.dictionary.mapping_table[location.mapping_index].memory_limit + 1


@mutation(21)
def neither_lines_nor_mapping(request):
    location = find(request, 'location_table', lambda l: not l.lines)
    request.dictionary.location_table[location].mapping_index = 0


@mutation(21)
def no_frame_type(request):
    request.dictionary.location_table[1].ClearField('attribute_indices')


@mutation(21)
def unknown_frame_type(request):
    index = attribute_of_key(request, 'profile.frame.type')
    request.dictionary.attribute_table[index].value.string_value = 'cobol'


@mutation(22)
def nameless_function(request):
    functions = request.dictionary.function_table
    functions.add(start_line=5)
    request.dictionary.location_table[1].lines.add(function_index=len(functions) - 1)


@mutation(22)
def negative_start_line(request):
    request.dictionary.function_table[1].start_line = -1


@mutation(22)
def negative_line(request):
    line_of_shared_function(request).line = -1


@mutation(22)
def negative_column(request):
    line_of_shared_function(request).column = -1


@mutation(23)
def sample_without_stack(request):
    profile(request, HEAP).samples[0].stack_index = 0


@mutation(23)
def location_zero_in_a_stack(request):
    request.dictionary.stack_table[1].location_indices.append(0)


@mutation(4, 23)  # an empty stack is always equal to stack 0, too
def empty_stack(request):
    stacks = request.dictionary.stack_table
    stacks.add()
    profile(request, HEAP).samples[0].stack_index = len(stacks) - 1


@mutation(24)
def payload_without_format(request):
    profile(request, CPU).original_payload = b'x'


@mutation(24)
def format_without_payload(request):
    profile(request, CPU).original_payload_format = 'pprof'


@mutation(27)
def threadlocal_attribute(request):
    index = string(request, 'otprof.engine')
    request.dictionary.string_table[index] = 'threadlocal.schema_version'


@mutation(27)
def threadlocal_resource(request):
    resource(request).attributes.add(key='threadlocal.x').value.int_value = 1


SAMPLE = [1, 2, 2, 2]  # resource_profiles, scope_profiles, profiles, samples
STACK_1 = [2, 7]

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
