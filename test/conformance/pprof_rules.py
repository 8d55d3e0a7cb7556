#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks pprof files (gzip'd perftools.profiles.Profile) against what `go tool pprof` and our own
conventions demand. One line for each violated rule, named by its item:

35 gzip'd, parses without unknown fields, repeated numbers packed, string 0 empty, one time; as many
   values as types; ids not zero, unique and known; every line has a function; with --go,
   `go tool pprof -raw` reads it
36 default_sample_type exists; heap has the four Go types in their order; CPU has samples/count and
   cpu/nanoseconds, the second being the first times the period
37 the first mapping is the main executable (--main); build ids are hex and, with --files, those of
   the files; has_* flags tell what the mapping's locations have
38 labels: one for each key, trace_id 32 and span_id 16 lower-case hex digits, no pprof:: key, no 0
   without unit
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict

from google.protobuf.message import DecodeError

import messages
import rules
from rules import Violation

HEAP_TYPES = [('alloc_objects', 'count'), ('alloc_space', 'bytes'),
              ('inuse_objects', 'count'), ('inuse_space', 'bytes')]
CPU_TYPES = [('samples', 'count'), ('cpu', 'nanoseconds')]

LABEL_HEX = {'trace_id': re.compile('[0-9a-f]{32}'), 'span_id': re.compile('[0-9a-f]{16}')}


class File:
    """One parsed profile, with look-ups that survive ids and indices out of range."""

    def __init__(self, message):
        self.message = message
        self.locations = {location.id: location for location in message.location}
        self.functions = {function.id: function for function in message.function}
        self.types = [(self.string(t.type), self.string(t.unit)) for t in message.sample_type]

    def string(self, index):
        table = self.message.string_table
        return table[index] if 0 <= index < len(table) else None

    def string_indices(self):
        """Every index into the string table."""
        message = self.message
        for value_type in list(message.sample_type) + [message.period_type]:
            yield from (value_type.type, value_type.unit)
        for sample in message.sample:
            for label in sample.label:
                yield from (label.key, label.str, label.num_unit)
        for mapping in message.mapping:
            yield from (mapping.filename, mapping.build_id)
        for function in message.function:
            yield from (function.name, function.system_name, function.filename)
        yield from (message.drop_frames, message.keep_frames, message.default_sample_type,
                    message.doc_url)
        yield from message.comment


def item_35(file, options):
    message = file.message
    if not message.string_table or message.string_table[0]:
        yield 'string 0 is not empty'
    if any(file.string(index) is None for index in file.string_indices()):
        yield 'a string index is outside of the table'
    if not message.time_nanos:
        yield 'no time_nanos'
    if not message.sample_type:
        yield 'no sample type'
    for table in ('mapping', 'location', 'function'):
        ids = Counter(entry.id for entry in getattr(message, table))
        for entry_id, count in ids.items():
            if entry_id == 0 or count > 1:
                yield '%s id %d occurs %d times' % (table, entry_id, count)
    mappings = {mapping.id for mapping in message.mapping}
    for location in message.location:
        if location.mapping_id and location.mapping_id not in mappings:
            yield 'location %d is in unknown mapping %d' % (location.id, location.mapping_id)
        for line in location.line:
            if line.function_id not in file.functions:
                yield 'location %d has unknown function %d' % (location.id, line.function_id)
    for s, sample in enumerate(message.sample):
        if len(sample.value) != len(message.sample_type):
            yield 'sample %d has %d values, not %d' % (s, len(sample.value),
                                                        len(message.sample_type))
        for location_id in sample.location_id:
            if location_id not in file.locations:
                yield 'sample %d has unknown location %d' % (s, location_id)


def item_36(file, options):
    message = file.message
    default = file.string(message.default_sample_type)
    if message.default_sample_type and default not in [name for name, _ in file.types]:
        yield 'default_sample_type %r is no sample type' % default
    kinds = {name for name, _ in file.types if name}
    heap_types = HEAP_TYPES if options.live else HEAP_TYPES[:2]
    if any(kind.startswith(('alloc_', 'inuse_')) for kind in kinds) and file.types != heap_types:
        yield 'heap profile has types %s' % file.types
    if 'samples' in kinds or 'cpu' in kinds:
        if file.types != CPU_TYPES:
            yield 'CPU profile has types %s' % file.types
        else:
            for s, sample in enumerate(message.sample):
                if len(sample.value) == 2 and sample.value[1] != sample.value[0] * message.period:
                    yield 'sample %d: %d is not %d times the period' % (s, sample.value[1],
                                                                         sample.value[0])


def flags_of(file, locations):
    """What has_functions, has_filenames, has_line_numbers and has_inline_frames should be."""
    functions = filenames = numbers = bool(locations)
    inline = False
    for location in locations:
        functions = functions and bool(location.line)
        inline = inline or len(location.line) > 1
        for line in location.line:
            function = file.functions.get(line.function_id)
            filenames = filenames and function is not None and function.filename != 0
            numbers = numbers and line.line != 0
        filenames, numbers = filenames and functions, numbers and functions
    return functions, filenames, numbers, inline


def item_37(file, options):
    message = file.message
    by_mapping = defaultdict(list)
    for location in message.location:
        by_mapping[location.mapping_id].append(location)
    first = file.string(message.mapping[0].filename) if message.mapping else None
    if options.main and (first is None or
                         os.path.realpath(first) != os.path.realpath(options.main)):
        yield 'the first mapping is %s' % first
    for mapping in message.mapping:
        name = file.string(mapping.filename)
        build_id = file.string(mapping.build_id) if mapping.build_id else ''
        if build_id and not rules.GNU_BUILD_ID.fullmatch(build_id):
            yield 'mapping %d (%s) has build id %r' % (mapping.id, name, build_id)
        if options.files and name and os.path.isfile(name) and (
                build_id != rules.readelf_build_id(name)):
            yield 'mapping %d: %s has another build id than %s' % (mapping.id, name, build_id)
        flags = (mapping.has_functions, mapping.has_filenames, mapping.has_line_numbers,
                 mapping.has_inline_frames)
        expected = flags_of(file, by_mapping[mapping.id])
        if flags != expected:
            yield 'mapping %d (%s) has flags %s, its locations %s' % (mapping.id, name, flags,
                                                                      expected)


def item_38(file, options):
    for s, sample in enumerate(file.message.sample):
        keys = Counter(file.string(label.key) for label in sample.label)
        for key, count in keys.items():
            if count > 1 or not key:
                yield 'sample %d has label %r %d times' % (s, key, count)
            elif key.startswith('pprof::'):
                yield 'sample %d has label %r' % (s, key)
        for label in sample.label:
            key, text = file.string(label.key), file.string(label.str)
            if key in LABEL_HEX and not LABEL_HEX[key].fullmatch(text or ''):
                yield 'sample %d has %s %r' % (s, key, text)
            if not label.str and not label.num and not label.num_unit:
                yield 'sample %d has label %r with 0 and no unit' % (s, key)


ITEMS = {35: item_35, 36: item_36, 37: item_37, 38: item_38}


class Options:
    """main: path of the main executable; files: compare build ids with the files on this machine;
    go: have `go tool pprof` read the file; raw: gzip is not demanded; live: a heap profile says what
    is in use, too."""

    def __init__(self, main=None, files=False, go=False, raw=False, live=True):
        self.main = main
        self.files = files
        self.go = go
        self.raw = raw
        self.live = live


def go_complaint(data):
    """What `go tool pprof` says of a file that it does not read; None if it does."""
    with tempfile.NamedTemporaryFile(prefix='otprof-', suffix='.pb.gz') as file:
        file.write(data)
        file.flush()
        result = subprocess.run(
            ['go', 'tool', 'pprof', '-symbolize=none', '-raw', file.name], check=False, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return result.stderr.strip() if result.returncode != 0 else None


def check(data, options=None):
    """All violations of one file, given as its bytes."""
    options = options or Options()
    descriptor = messages.pprof.Profile.DESCRIPTOR
    violations = []
    if data[:2] != b'\x1f\x8b' and not options.raw:
        violations.append(Violation(35, 'not gzip\'d'))
    try:
        plain = messages.gunzip_if_packed(data)
        scan = messages.Scan(plain, descriptor)
        file = File(messages.pprof.Profile.FromString(plain))
    except (messages.Malformed, DecodeError) as error:
        return violations + [Violation(35, str(error))]
    violations += [Violation(35, 'unknown field %s' % path) for path in scan.unknown]
    violations += [Violation(35, '%s occurs twice' % path) for path in scan.repeated]
    violations += [Violation(35, '%s is not one packed field' % path)
                   for path in sorted(set(scan.not_packed))]
    for item, function in ITEMS.items():
        violations += [Violation(item, text) for text in function(file, options)]
    if options.go:
        complaint = go_complaint(data)
        if complaint is not None:
            violations.append(Violation(35, 'go tool pprof: ' + complaint))
    return violations


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('paths', nargs='+', metavar='FILE')
    parser.add_argument('--main', help='path of the main executable')
    parser.add_argument('--files', action='store_true', help='compare build ids with the files')
    parser.add_argument('--go', action='store_true', help='have go tool pprof read the file')
    parser.add_argument('--raw', action='store_true', help='accept a file without gzip')
    arguments = parser.parse_args()
    if arguments.go and shutil.which('go') is None:
        parser.error('--go, but there is no go command')
    options = Options(arguments.main, arguments.files, arguments.go, arguments.raw)
    return rules.report([(path, check(data, options))
                         for path, data in rules.read_files(arguments.paths)])


if __name__ == '__main__':
    sys.exit(main())
