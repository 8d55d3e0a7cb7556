# SPDX-License-Identifier: Apache-2.0
"""Single faults in the dictionary and the attributes: items 1 to 8."""

import otlp_rules
from otlp_fault_tools import (CPU, FAR, HEAP, add_string, find, line_of_shared_function,
                              mutation, profile, resource, resource_attribute, scope,
                              shared_location, string)


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
