# SPDX-License-Identifier: Apache-2.0
"""OTLP requests -> what they say: every sample with its whole stack, its attributes and its link
written out, so that two requests with the same content are equal whatever the order and numbering
of their tables."""
from collections import Counter

import messages
from otlp_request import value_of


def parse(data):
    return messages.otlp.ExportProfilesServiceRequest.FromString(data)


class Reader:
    """One request's tables, each entry turned into plain tuples once."""

    def __init__(self, request):
        self.request = request
        tables = request.dictionary
        self.strings = tables.string_table
        self.attributes = [
            (self.strings[a.key_strindex], self.value(a.value), self.strings[a.unit_strindex])
            for a in tables.attribute_table]
        self.mappings = [(m.memory_start, m.memory_limit, m.file_offset,
                          self.strings[m.filename_strindex], self.set_of(m.attribute_indices))
                         for m in tables.mapping_table]
        functions = [tuple(self.strings[i] for i in (f.name_strindex, f.system_name_strindex,
                                                     f.filename_strindex)) + (f.start_line,)
                     for f in tables.function_table]
        locations = [(self.mappings[l.mapping_index], l.address, self.set_of(l.attribute_indices),
                      tuple((functions[i.function_index], i.line, i.column) for i in l.lines))
                     for l in tables.location_table]
        self.stacks = [tuple(locations[i] for i in s.location_indices) for s in tables.stack_table]
        self.links = [(l.trace_id, l.span_id) for l in tables.link_table]

    def value(self, any_value):
        """(kind, value), strings by index looked up."""
        kind, value = value_of(any_value) or (None, None)
        if kind == 'string_value_strindex':
            return 'string_value', self.strings[value]
        return kind, value if isinstance(value, (str, int, type(None))) else str(value)

    def set_of(self, indices):
        return frozenset(self.attributes[i] for i in indices)

    def literal(self, attributes):
        """Of a resource or scope; keys and values may be there by index (Collector 0.161 and newer)."""
        return {a.key or self.strings[a.key_strindex]: self.value(a.value) for a in attributes}

    def type_pair(self, value_type):
        return self.strings[value_type.type_strindex], self.strings[value_type.unit_strindex]

    def profiles(self):
        """(resource attributes, scope name and version, profile) of each Profile message."""
        for resource in self.request.resource_profiles:
            attributes = self.literal(resource.resource.attributes)
            for scope in resource.scope_profiles:
                for profile in scope.profiles:
                    yield attributes, (scope.scope.name, scope.scope.version), profile

    def header(self, attributes, scope, profile):
        return (frozenset(attributes.items()), scope, self.type_pair(profile.sample_type),
                self.type_pair(profile.period_type), profile.period, profile.time_unix_nano,
                profile.duration_nano, profile.profile_id, self.set_of(profile.attribute_indices),
                profile.original_payload_format, profile.original_payload)

    def samples(self, profile):
        for s in profile.samples:
            yield (self.stacks[s.stack_index], self.set_of(s.attribute_indices),
                   self.links[s.link_index], tuple(s.values), tuple(s.timestamps_unix_nano))


def content(requests):
    """{header: Counter of samples} over requests given as bytes. A header names one Profile: its id
    is part of it."""
    found = {}
    for data in requests:
        reader = Reader(parse(data))
        for attributes, scope, profile in reader.profiles():
            header = reader.header(attributes, scope, profile)
            assert header not in found, f'profile {profile.profile_id.hex()} came twice'
            found[header] = Counter(reader.samples(profile))
    return found


def sample_count(contents):
    return sum(sum(samples.values()) for samples in contents.values())


def difference(sent, received):
    """What is in one and not in the other, in words; empty when they are equal."""
    lines = []
    for header, samples in sent.items():
        what = f'profile {header[7].hex()} ({"/".join(header[2])})'
        if header not in received:
            twin = next((h for h in received if h[7] == header[7]), None)
            parts = [] if twin is None else [i for i, p in enumerate(header) if p != twin[i]]
            lines.append(f'{what} is missing' if twin is None else
                         f'{what} has another header: ' +
                         ', '.join(f'{header[i]!r} became {twin[i]!r}' for i in parts))
            continue
        lost, added = samples - received[header], received[header] - samples
        if lost or added:
            lines.append(f'{what}: {sum(lost.values())} samples lost, {sum(added.values())} added')
    lines += [f'profile {header[7].hex()} was never sent' for header in received.keys() - sent.keys()
              if all(header[7] != other[7] for other in sent)]
    return lines
