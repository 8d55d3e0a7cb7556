# SPDX-License-Identifier: Apache-2.0
"""The two profile formats for Python: message classes made from encoder/proto, and a scan of the
bytes themselves for what a parsed message no longer shows."""

import gzip
import importlib
import os
import subprocess
import sys
import tempfile
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTO_DIRECTORY = os.path.join(ROOT, 'encoder', 'proto')


def _load(name):
    """Runs protoc into a directory that is gone again afterwards."""
    with tempfile.TemporaryDirectory(prefix='otprof-proto-') as directory:
        subprocess.run(['protoc', '-I' + PROTO_DIRECTORY, '--python_out=' + directory,
                        name + '.proto'], check=True)
        sys.path.insert(0, directory)
        try:
            return importlib.import_module(name + '_pb2')
        finally:
            sys.path.remove(directory)


otlp = _load('otlp')
pprof = _load('pprof')


class Malformed(Exception):
    """The bytes are not what they claim to be."""


def gunzip_if_packed(data):
    """Bytes of a file or body, without gzip if it was there."""
    if data[:2] != b'\x1f\x8b':
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed('does not gunzip: %s' % error) from error


def _varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed('bad varint at byte %d' % at)
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


class Scan:
    """What the wire format of one message, nested ones included, says beyond its parsed content."""

    _SCALAR_WIRE_TYPES = {
        1: 1, 6: 1, 16: 1,                            # double, fixed64, sfixed64
        2: 5, 7: 5, 15: 5,                            # float, fixed32, sfixed32
        9: 2, 11: 2, 12: 2,                           # string, message, bytes
    }

    def __init__(self, data, descriptor):
        self.unknown = []     # paths of fields that the schema does not have
        self.repeated = []    # paths of singular fields that occur more than once
        self.not_packed = []  # paths of repeated numbers that are not one packed chunk
        self.counts = {}      # of the outermost message: field name -> occurrences
        self._message(memoryview(data), descriptor, descriptor.name, self.counts)

    def _message(self, data, descriptor, path, counts):
        at = 0
        while at < len(data):
            key, at = _varint(data, at)
            number, wire_type = key >> 3, key & 7
            if wire_type == 0:
                _, end = _varint(data, at)
                start = at
            elif wire_type in (1, 5):
                start, end = at, at + (8 if wire_type == 1 else 4)
            elif wire_type == 2:
                size, start = _varint(data, at)
                end = start + size
            else:
                raise Malformed('wire type %d in %s' % (wire_type, path))
            if end > len(data):
                raise Malformed('%s ends early' % path)
            field = descriptor.fields_by_number.get(number)
            if field is None:
                self.unknown.append('%s.%d' % (path, number))
            else:
                counts[field.name] = counts.get(field.name, 0) + 1
                self._field(data[start:end], field, wire_type, path + '.' + field.name,
                            counts[field.name])
            at = end

    def _field(self, content, field, wire_type, path, occurrence):
        expected = self._SCALAR_WIRE_TYPES.get(field.type, 0)
        repeated = field.label == field.LABEL_REPEATED
        if repeated and expected != 2:
            if wire_type != 2 or occurrence > 1:
                self.not_packed.append(path)
            return
        if wire_type != expected:
            raise Malformed('%s has wire type %d' % (path, wire_type))
        if occurrence > 1 and not repeated:
            self.repeated.append(path)
        if field.message_type is not None:
            self._message(content, field.message_type, path, {})
