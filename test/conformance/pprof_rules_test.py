#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pprof_rules.py and agree.py find nothing in good files, and in ones with a single fault just that
fault. usage: pprof_rules_test.py DIRECTORY-OF-write_sample_profiles"""

import gzip
import os
import sys

import agree
import messages
import mutations
import pprof_rules
import rules

MAIN = '/srv/checkout/bin/checkout'
FAR = 10**6  # outside of every table

MUTATIONS = []


def mutation(item, of='cpu'):
    """The decorated function breaks exactly this item of that file."""
    def register(function):
        MUTATIONS.append((function.__name__, item, of, function))
        return function
    return register


def string(profile, text):
    return list(profile.string_table).index(text)


def labelled(profile, key):
    """The first label with that key."""
    index = string(profile, key)
    return next(label for sample in profile.sample for label in sample.label if label.key == index)


@mutation(35)
def zero_string(profile):
    profile.string_table[0] = 'zero'


@mutation(35)
def no_strings_at_all(profile):
    profile.Clear()
    profile.time_nanos = 1
    profile.sample_type.add()
    profile.mapping.add(id=1)


@mutation(35)
def string_out_of_range(profile):
    profile.comment[0] = FAR


@mutation(35)
def string_negative(profile):
    profile.function[0].system_name = -1


@mutation(35)
def no_time(profile):
    profile.time_nanos = 0


@mutation(35)
def no_types(profile):
    del profile.sample_type[:]
    profile.default_sample_type = 0
    for sample in profile.sample:
        del sample.value[:]


@mutation(35)
def value_missing(profile):
    del profile.sample[0].value[1]


@mutation(35)
def unknown_location(profile):
    profile.sample[0].location_id.append(FAR)


@mutation(35)
def location_id_zero(profile):
    profile.location.add(address=1)


@mutation(35)
def location_id_twice(profile):
    profile.location.add().CopyFrom(profile.location[0])


@mutation(35)
def function_id_twice(profile):
    profile.function.add().CopyFrom(profile.function[0])


@mutation(35)
def mapping_id_twice(profile):
    profile.mapping.add().CopyFrom(profile.mapping[0])


@mutation(35)
def unknown_mapping(profile):
    profile.location.add(id=FAR, mapping_id=FAR, address=1)


@mutation(35)
def line_without_function(profile):
    profile.location.add(id=FAR, address=1).line.add(line=3)


@mutation(35)
def unknown_field_deep_inside(profile):
    profile.sample[0].label[0].MergeFromString(b'\x78\x01')


@mutation(36)
def default_is_no_type(profile):
    profile.default_sample_type = string(profile, 'made up')


@mutation(36, of='heap')
def heap_in_another_order(profile):
    first, second = profile.sample_type[0], profile.sample_type[1]
    first.type, second.type = second.type, first.type


@mutation(36, of='heap')
def heap_with_another_unit(profile):
    profile.sample_type[0].unit = string(profile, 'bytes')


@mutation(36)
def cpu_in_another_order(profile):
    types = [(t.type, t.unit) for t in profile.sample_type]
    for sample_type, pair in zip(profile.sample_type, reversed(types)):
        sample_type.type, sample_type.unit = pair


@mutation(36)
def cpu_time_is_not_count_times_period(profile):
    profile.sample[0].value[1] += 1


@mutation(37)
def library_first(profile):
    profile.mapping.insert(0, profile.mapping.pop(1))


@mutation(37)
def no_mapping(profile):
    del profile.mapping[:]
    for location in profile.location:
        location.mapping_id = 0


@mutation(37)
def build_id_in_upper_case(profile):
    index = profile.mapping[0].build_id
    profile.string_table[index] = profile.string_table[index].upper()


for _flag in ('has_functions', 'has_filenames', 'has_line_numbers', 'has_inline_frames'):
    @mutation(37)
    def other_flag(profile, flag=_flag):
        mapping = profile.mapping[0]
        setattr(mapping, flag, not getattr(mapping, flag))


@mutation(37)
def a_location_lost_its_lines(profile):
    complete = {mapping.id for mapping in profile.mapping if mapping.has_functions}
    location = next(l for l in profile.location if l.mapping_id in complete)
    del location.line[:]


@mutation(38)
def key_twice(profile):
    profile.sample[0].label.add().CopyFrom(profile.sample[0].label[0])


@mutation(38)
def key_empty(profile):
    profile.sample[0].label.add(num=1)


@mutation(38)
def trace_id_too_short(profile):
    index = labelled(profile, 'trace_id').str
    profile.string_table[index] = profile.string_table[index][:-1]


@mutation(38)
def span_id_in_upper_case(profile):
    profile.string_table[labelled(profile, 'span_id').str] = 'ABCDEF0123456789'


@mutation(38)
def span_id_as_number(profile):
    label = labelled(profile, 'span_id')
    label.str, label.num = 0, 5


@mutation(38)
def zero_without_unit(profile):
    labelled(profile, 'thread.id').num = 0


@mutation(38)
def reserved_key(profile):
    profile.string_table[string(profile, 'thread.name')] = 'pprof::thread'


BYTE_MUTATIONS = [
    ('truncated', lambda data: gzip.compress(data[:-1])),
    ('truncated gzip', lambda data: gzip.compress(data)[:-9]),
    ('not gzip', lambda data: data),
    ('unknown field', lambda data: gzip.compress(data + b'\xf8\x01\x01')),
    ('time twice', lambda data: gzip.compress(data + b'\x48\x01')),
    ('values not packed',
     lambda data: gzip.compress(mutations.edit_nested(data, [2], mutations.unpack(2)))),
    ('locations in two chunks',
     lambda data: gzip.compress(mutations.edit_nested(data, [2], mutations.repeat(1)))),
]


def try_files(tally, good):
    """With --files the build ids are those of the files."""
    profile = messages.pprof.Profile.FromString(good)
    path = os.path.realpath(sys.executable)
    mapping = profile.mapping[0]
    profile.string_table[mapping.filename] = path
    options = pprof_rules.Options(main=sys.executable, files=True)
    profile.string_table[mapping.build_id] = rules.readelf_build_id(path)
    tally.expect('build id of the file',
                 pprof_rules.check(gzip.compress(profile.SerializeToString()), options), [])
    profile.string_table[mapping.build_id] = 'abcd'
    tally.expect('another build id than the file',
                 pprof_rules.check(gzip.compress(profile.SerializeToString()), options), [37])


def try_agreement(tally, otlp, files):
    """agree.py, on requests and files that agree and that do not."""
    for name in ('cpu', 'heap'):
        tally.expect('agree ' + name, agree.check([otlp], files[name]), [])

    def changed(name, change):
        profile = messages.pprof.Profile.FromString(files[name])
        change(profile)
        return profile.SerializeToString()

    def one_more(profile):
        profile.sample[3].value[0] += 1

    def swapped(profile):
        first, second = profile.sample[0], profile.sample[1]
        first.value[:], second.value[:] = list(second.value), list(first.value)

    def one_less(profile):
        del profile.sample[-1]

    def another_type(profile):
        for sample_type in profile.sample_type:
            sample_type.type = string(profile, 'made up')

    tally.expect('another total', agree.check([otlp], changed('heap', one_more)), [39])
    tally.expect('another stack', agree.check([otlp], changed('heap', swapped)), [39])
    tally.expect('a stack less', agree.check([otlp], changed('cpu', one_less)), [39])
    tally.expect('no common type', agree.check([otlp], changed('cpu', another_type)), [39])
    tally.expect('half of a request', agree.check([otlp[:1000]], files['cpu']), [39])
    tally.expect('a request twice', agree.check([otlp, otlp], files['cpu']), [39])


def main():
    def read(name):
        with open(os.path.join(sys.argv[1], name), 'rb') as file:
            return messages.gunzip_if_packed(file.read())

    files = {name: read(name + '.pb.gz') for name in ('cpu', 'heap')}
    options = pprof_rules.Options(main=MAIN)
    tally = mutations.Tally({39} | set(pprof_rules.ITEMS))
    for name, good in files.items():
        tally.expect('good ' + name, pprof_rules.check(gzip.compress(good), options), [])
        tally.expect('good raw ' + name, pprof_rules.check(good, pprof_rules.Options(raw=True)), [])
    for name, item, of, function in MUTATIONS:
        profile = messages.pprof.Profile.FromString(files[of])
        function(profile)
        tally.expect(name, pprof_rules.check(gzip.compress(profile.SerializeToString()),
                                             pprof_rules.Options() if item == 35 else options),
                     [item])
    for name, change in BYTE_MUTATIONS:
        tally.expect(name, pprof_rules.check(change(files['cpu'])), [35])
    try_files(tally, files['cpu'])
    try_agreement(tally, read('otlp.pb'), files)
    return tally.finish()


if __name__ == '__main__':
    sys.exit(main())
