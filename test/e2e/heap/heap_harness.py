# SPDX-License-Identifier: Apache-2.0
"""What the tests of heap profiles share: the harness of the agent's tests, and heap profiles as they
arrive at an OTLP receiver, put back together window by window.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))

from harness import *  # noqa: E402,F401,F403 pylint: disable=wildcard-import
import harness as agent_harness  # noqa: E402
from messages import otlp  # noqa: E402: found through the path that harness sets


Request = otlp.ExportProfilesServiceRequest

# function names leaf first, labels, values by type
Row = collections.namedtuple("Row", "stack labels values")


class Window:
    """The heap profiles of one request, one per value type, as one."""

    def __init__(self):
        self.rows = []
        self.attributes = {}  # of the profile
        self.types = []


def profile(receiver, command, preload=None, **options):
    """Runs `command` with its heap profiled; it must succeed and say nothing of the agent's."""
    variables = {"OTPROF_CPU": "false", "OTPROF_EXPORTERS": "otlp", "OTPROF_EXIT_TIMEOUT": "30s",
                 "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    variables.update((f"OTPROF_{name}", str(value)) for name, value in options.items())
    if preload is not None:
        variables["LD_PRELOAD"] = preload
    result = agent_harness.run(command, **variables)
    assert result.returncode == 0, result
    assert b"otprof:" not in result.stderr, result.stderr.decode()
    return result


def _attributes(dictionary, indices):
    found = {}
    for index in indices:
        entry = dictionary.attribute_table[index]
        value = entry.value
        found[dictionary.string_table[entry.key_strindex]] = (
            value.string_value or value.int_value)
    return found


def _stack(dictionary, index):
    names = []
    for location in dictionary.stack_table[index].location_indices:
        lines = dictionary.location_table[location].lines
        names.append(dictionary.string_table[dictionary.function_table[
            lines[0].function_index].name_strindex] if lines else "?")
    return names


def _is_heap(kind):
    return kind.startswith(("alloc_", "inuse_"))


def heap_windows(receiver):
    """In the order of their arrival."""
    windows = []
    for _, _, body in receiver.requests:
        request = Request.FromString(body)
        dictionary = request.dictionary
        window = Window()
        for resource in request.resource_profiles:
            for scope in resource.scope_profiles:
                for each in scope.profiles:
                    kind = dictionary.string_table[each.sample_type.type_strindex]
                    if not _is_heap(kind):
                        continue
                    window.types.append(kind)
                    window.attributes.update(_attributes(dictionary, each.attribute_indices))
                    for sample in each.samples:
                        window.rows.append(Row(_stack(dictionary, sample.stack_index),
                                               _attributes(dictionary, sample.attribute_indices),
                                               {kind: sum(sample.values)}))
        if window.types:
            windows.append(window)
    return windows


def sums_by_leaf(window):
    """{function: {value type: sum}}, only what is not zero."""
    sums = collections.defaultdict(lambda: collections.defaultdict(int))
    for row in window.rows:
        for kind, value in row.values.items():
            if value:
                sums[row.stack[0] if row.stack else "?"][kind] += value
    return {leaf: dict(kinds) for leaf, kinds in sums.items()}
