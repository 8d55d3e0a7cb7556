# SPDX-License-Identifier: Apache-2.0
"""A parsed OTLP profiles request with the look-ups that otlp_rules.py needs."""

TABLES = ['mapping_table', 'location_table', 'function_table', 'link_table', 'string_table',
          'attribute_table', 'stack_table']


def value_of(any_value):
    """(kind, value) of the one value that is set, or None."""
    present = any_value.ListFields()
    if len(present) != 1:
        return None
    return present[0][0].name, present[0][1]


class Request:
    """One parsed request, with look-ups that survive indices out of range."""

    def __init__(self, message):
        self.message = message
        self.dictionary = message.dictionary

    def string(self, index):
        table = self.dictionary.string_table
        return table[index] if 0 <= index < len(table) else None

    def entry(self, table, index):
        entries = getattr(self.dictionary, table)
        return entries[index] if 0 <= index < len(entries) else None

    def attributes(self, indices):
        """[(key, (kind, value))] of an attribute list; unknown indices are left out."""
        found = []
        for index in indices:
            entry = self.entry('attribute_table', index)
            if entry is not None:
                found.append((self.string(entry.key_strindex), value_of(entry.value)))
        return found

    def profiles(self):
        for resource_profiles in self.message.resource_profiles:
            for scope_profiles in resource_profiles.scope_profiles:
                yield from scope_profiles.profiles

    def type_pair(self, value_type):
        return self.string(value_type.type_strindex), self.string(value_type.unit_strindex)

    def attribute_lists(self):
        """(where, indices) of every list of attribute indices."""
        for i, mapping in enumerate(self.dictionary.mapping_table):
            yield 'mapping %d' % i, mapping.attribute_indices
        for i, location in enumerate(self.dictionary.location_table):
            yield 'location %d' % i, location.attribute_indices
        for p, profile in enumerate(self.profiles()):
            yield 'profile %d' % p, profile.attribute_indices
            for s, sample in enumerate(profile.samples):
                yield 'profile %d sample %d' % (p, s), sample.attribute_indices

    def references(self):
        """(table, index, where) of every reference in the request."""
        dictionary = self.dictionary
        for where, indices in self.attribute_lists():
            for index in indices:
                yield 'attribute_table', index, where
        for i, mapping in enumerate(dictionary.mapping_table):
            yield 'string_table', mapping.filename_strindex, 'mapping %d' % i
        for i, location in enumerate(dictionary.location_table):
            yield 'mapping_table', location.mapping_index, 'location %d' % i
            for line in location.lines:
                yield 'function_table', line.function_index, 'location %d' % i
        for i, function in enumerate(dictionary.function_table):
            for index in (function.name_strindex, function.system_name_strindex,
                          function.filename_strindex):
                yield 'string_table', index, 'function %d' % i
        for i, attribute in enumerate(dictionary.attribute_table):
            yield 'string_table', attribute.key_strindex, 'attribute %d' % i
            yield 'string_table', attribute.unit_strindex, 'attribute %d' % i
            if attribute.value.HasField('string_value_strindex'):
                yield ('string_table', attribute.value.string_value_strindex, 'attribute %d' % i)
        for i, stack in enumerate(dictionary.stack_table):
            for index in stack.location_indices:
                yield 'location_table', index, 'stack %d' % i
        for p, profile in enumerate(self.profiles()):
            for value_type in (profile.sample_type, profile.period_type):
                yield 'string_table', value_type.type_strindex, 'profile %d' % p
                yield 'string_table', value_type.unit_strindex, 'profile %d' % p
            for s, sample in enumerate(profile.samples):
                where = 'profile %d sample %d' % (p, s)
                yield 'stack_table', sample.stack_index, where
                yield 'link_table', sample.link_index, where
