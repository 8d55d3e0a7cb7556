#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""samples.py finds no difference between a request and the same content numbered otherwise, and finds
each single thing that was lost or changed. usage: samples_test.py DIRECTORY-OF-write_sample_profiles"""

import os
import sys

import samples


def renumbered(request):
    """The same content: every string has another index."""
    strings = request.dictionary.string_table
    order = [0] + list(range(len(strings) - 1, 0, -1))
    new = {old: at for at, old in enumerate(order)}
    texts = [strings[old] for old in order]
    del strings[:]
    strings.extend(texts)
    for table, fields in (('function_table', ('name_strindex', 'system_name_strindex',
                                              'filename_strindex')),
                          ('mapping_table', ('filename_strindex',)),
                          ('attribute_table', ('key_strindex', 'unit_strindex'))):
        for entry in getattr(request.dictionary, table):
            for field in fields:
                setattr(entry, field, new[getattr(entry, field)])
    for profile in profiles(request):
        for value_type in (profile.sample_type, profile.period_type):
            value_type.type_strindex = new[value_type.type_strindex]
            value_type.unit_strindex = new[value_type.unit_strindex]


def profiles(request):
    return request.resource_profiles[0].scope_profiles[0].profiles


def drop_sample(request):
    del profiles(request)[1].samples[0]


def double_sample(request):
    profiles(request)[0].samples.add().CopyFrom(profiles(request)[0].samples[0])


def drop_profile(request):
    del profiles(request)[-1]


def change_timestamp(request):
    profiles(request)[0].samples[0].timestamps_unix_nano[0] += 1


def change_value(request):
    profiles(request)[1].samples[0].values[0] += 1


def change_link(request):
    sample = next(s for p in profiles(request) for s in p.samples if s.link_index)
    sample.link_index = 0


def change_frame(request):
    request.dictionary.location_table[1].address += 1


def change_name(request):
    strings = request.dictionary.string_table
    strings[request.dictionary.function_table[1].name_strindex] += '!'


def change_attribute(request):
    sample = next(s for p in profiles(request) for s in p.samples if s.attribute_indices)
    del sample.attribute_indices[-1]


def change_resource(request):
    request.resource_profiles[0].resource.attributes[0].value.string_value = 'another'


def change_period(request):
    profiles(request)[0].period += 1


CHANGES = [drop_sample, double_sample, drop_profile, change_timestamp, change_value, change_link,
           change_frame, change_name, change_attribute, change_resource, change_period]


def difference_after(data, change):
    request = samples.parse(data)
    change(request)
    return samples.difference(samples.content([data]),
                              samples.content([request.SerializeToString()]))


def main():
    with open(os.path.join(sys.argv[1], 'otlp.pb'), 'rb') as file:
        data = file.read()
    failures = []
    if difference_after(data, renumbered):
        failures.append('another numbering is taken for another content')
    failures += [f'{change.__name__} is not found' for change in CHANGES
                 if not difference_after(data, change)]
    try:
        samples.content([data, data])
        failures.append('a profile that came twice is not found')
    except AssertionError:
        pass
    for failure in failures:
        print(failure)
    print(f'{len(CHANGES) + 2} checks, {len(failures)} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
