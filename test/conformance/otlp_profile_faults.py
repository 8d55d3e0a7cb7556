# SPDX-License-Identifier: Apache-2.0
"""Single faults in the resource, the profiles and what they refer to: items 9 to 27."""

import otlp_rules
from otlp_fault_tools import (CPU, HEAP, attribute_of_key, find, line_of_shared_function,
                              mutation, profile, resource, resource_attribute, scope, string)


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
