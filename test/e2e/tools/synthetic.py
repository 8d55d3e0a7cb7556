# SPDX-License-Identifier: Apache-2.0
"""OTLP requests and pprof files made by hand: what the tests feed to the otprof command.

The bytes are put together here, field by field, and not by the project's own encoder, so that the
readers are tested against the standards and not against our own idea of them.
"""
import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def message(field, body):
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


def packed(field, values):
    return message(field, b"".join(varint(v) for v in values)) if values else b""


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def packed_fixed64(field, values):
    return message(field, b"".join(struct.pack("<Q", v) for v in values)) if values else b""


class Table:
    """Interned entries; index 0 is the zero entry."""

    def __init__(self, zero=b""):
        self.entries = [zero]
        self.index = {zero: 0}

    def intern(self, entry):
        if entry not in self.index:
            self.index[entry] = len(self.entries)
            self.entries.append(entry)
        return self.index[entry]


class Otlp:
    """One ExportProfilesServiceRequest. A frame is "function" or "function@module"; stacks are
    written outermost first, as a reader of code thinks of them."""

    def __init__(self):
        self.strings, self.mappings, self.functions = Table(""), Table(), Table()
        self.locations, self.stacks, self.attributes = Table(), Table(), Table()
        self.links = Table()
        self.resources = []

    def attribute(self, key, value):
        any_value = number(3, value) if isinstance(value, int) else message(1, value)
        return self.attributes.intern(
            number(1, self.strings.intern(key)) + message(2, any_value))

    def location(self, frame):
        name, _, module = frame.partition("@")
        module = module or "/usr/bin/app"
        mapping = self.mappings.intern(
            number(1, 0x400000) + number(2, 0x500000) + number(4, self.strings.intern(module)) +
            packed(5, [self.attribute("process.executable.build_id.gnu", "abcd")]))
        function = self.functions.intern(number(1, self.strings.intern(name)))
        kind = "kernel" if module.startswith("[kernel") else "native"
        return self.locations.intern(
            number(1, mapping) + number(2, 0x400000 + function) + message(3, number(1, function)) +
            packed(4, [self.attribute("profile.frame.type", kind)]))

    def stack(self, frames):
        return self.stacks.intern(packed(1, [self.location(f) for f in reversed(frames)]))

    def value_type(self, text):
        kind, unit = text.split("/")
        return number(1, self.strings.intern(kind)) + number(2, self.strings.intern(unit))

    def profile(self, sample_type, period_type, period, samples, start=10**18, duration=10**9):
        """samples: (frames, value or list of timestamps, thread name or None)"""
        body = message(1, self.value_type(sample_type))
        for frames, value, thread in samples:
            attributes = [self.attribute("thread.name", thread)] if thread else []
            sample = number(1, self.stack(frames)) + packed(2, attributes)
            if isinstance(value, list):
                sample += packed_fixed64(5, value)
            else:
                sample += packed(4, [value])
            body += message(2, sample)
        return (body + fixed64(3, start) + number(4, duration) +
                message(5, self.value_type(period_type)) + number(6, period))

    def cpu(self, samples, hz=100, **times):
        return self.profile("samples/count", "cpu/nanoseconds", 10**9 // hz, samples, **times)

    def add(self, profiles, service="shop", pid=7, executable="app"):
        attributes = b""
        for key, value in (("service.name", service), ("process.pid", pid),
                           ("process.executable.name", executable),
                           ("service.instance.id", f"{executable}-{pid}")):
            any_value = number(3, value) if isinstance(value, int) else message(1, value)
            attributes += message(1, message(1, key) + message(2, any_value))
        scope = message(1, message(1, "otprof") + message(2, "0"))
        scope += b"".join(message(2, profile) for profile in profiles)
        self.resources.append(message(1, attributes) + message(2, scope))

    def encode(self):
        tables = b"".join(
            message(field, entry)
            for field, table in ((1, self.mappings), (2, self.locations), (3, self.functions),
                                 (4, self.links), (5, self.strings), (6, self.attributes),
                                 (7, self.stacks))
            for entry in table.entries)
        return b"".join(message(1, resource) for resource in self.resources) + message(2, tables)


def cpu_request(samples, **process):
    """The bytes of a request with one CPU profile."""
    request = Otlp()
    request.add([request.cpu(samples)], **process)
    return request.encode()


def pprof(types, samples, default=None):
    """types: ["samples/count", ...]; samples: (frames outermost first, values, {label: text})"""
    strings, functions, locations = Table(""), Table(), Table()
    body = b""
    for text in types:
        kind, unit = text.split("/")
        body += message(1, number(1, strings.intern(kind)) + number(2, strings.intern(unit)))
    for frames, values, labels in samples:
        ids = []
        for frame in reversed(frames):
            function = functions.intern(number(2, strings.intern(frame)))
            ids.append(locations.intern(number(3, 4096 + function) + message(4, number(1, function))))
        sample = packed(1, ids) + packed(2, values)
        for key, text in labels.items():
            sample += message(3, number(1, strings.intern(key)) + number(2, strings.intern(text)))
        body += message(2, sample)
    for i, entry in enumerate(functions.entries[1:], 1):
        body += message(5, number(1, i) + entry)
    for i, entry in enumerate(locations.entries[1:], 1):
        body += message(4, number(1, i) + entry)
    if default:
        body += number(14, strings.intern(default))
    return body + b"".join(message(6, text) for text in strings.entries)
