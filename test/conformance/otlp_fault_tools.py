# SPDX-License-Identifier: Apache-2.0
"""What the faulty requests of otlp_rules_test.py are made with: parts of a good request by name, and
the list of faults."""

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
