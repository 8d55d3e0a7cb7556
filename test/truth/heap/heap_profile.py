# SPDX-License-Identifier: Apache-2.0
"""Runs a program under the heap profiler and reads the pprof files it leaves, with nothing but the
standard library.
"""
import collections
import glob
import gzip
import os
import subprocess


def fields(data):
    """The protobuf fields of one message: (number, value); groups and 32-bit fields do not occur."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 1:
            at += 8
            yield key >> 3, data[at - 8:at]
        else:
            size = varint()
            at += size
            yield key >> 3, data[at - size:at]


def packed(value):
    return [value] if isinstance(value, int) else [v for v in unpack(value)]


def unpack(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


Sample = collections.namedtuple("Sample", "stack values labels")  # function names, leaf first


class Profile:
    def __init__(self, path):
        with gzip.open(path) as file:
            message = list(fields(file.read()))
        strings = [v.decode() for n, v in message if n == 6]
        functions = {}
        for entry in (dict(fields(v)) for n, v in message if n == 5):
            functions[entry[1]] = strings[entry.get(3, 0)]
        names = {}
        for entry in (list(fields(v)) for n, v in message if n == 4):
            lines = [dict(fields(v)) for n, v in entry if n == 4]
            names[dict(entry)[1]] = functions[lines[0][1]] if lines else "?"
        comments = [strings[i] for n, v in message if n == 13 for i in packed(v)]
        self.facts = dict(comment.split(": ", 1) for comment in comments)
        self.types = [strings[dict(fields(v))[1]] for n, v in message if n == 1]
        self.samples = []
        for entry in (list(fields(v)) for n, v in message if n == 2):
            stack = [names[i] for n, v in entry if n == 1 for i in packed(v)]
            values = [i for n, v in entry if n == 2 for i in packed(v)]
            labels = {}
            for label in (dict(fields(v)) for n, v in entry if n == 3):
                labels[strings[label[1]]] = strings[label[2]] if 2 in label else label.get(3, 0)
            self.samples.append(Sample(stack, values, labels))

    def totals(self, leaf):
        return [sum(s.values[t] for s in self.samples if s.stack and s.stack[0] == leaf)
                for t in range(len(self.types))]

    def total(self, value):
        """Over all samples, of a value type."""
        column = self.types.index(value)
        return sum(s.values[column] for s in self.samples)


def run(agent, command, directory, stderr=None, **options):
    """Runs `command`, which must succeed, with only its heap profiled; OTPROF_ options by name."""
    variables = {"PATH": os.environ["PATH"], "LD_PRELOAD": os.path.abspath(agent),
                 "OTPROF_CPU": "false", "OTPROF_EXPORTERS": "pprof", "OTPROF_PPROF_DIR": directory,
                 "OTPROF_EXIT_TIMEOUT": "30s", "OTPROF_MAX_CPU_PERCENT": "100"}
    variables.update((f"OTPROF_{name}", str(value)) for name, value in options.items())
    return subprocess.run(command, check=True, env=variables, stdout=subprocess.PIPE, stderr=stderr,
                          text=True)


def profile_paths(directory):
    """In the order of the windows."""
    paths = glob.glob(directory + "/*.heap.pb.gz")
    return sorted(paths, key=lambda path: int(path.split("-")[-1].split(".")[0]))
