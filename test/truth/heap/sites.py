#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sites.py LIB PROGRAM: a program's heap profile against what the program is known to allocate.

The bounds are 4 standard deviations of a Poisson sample: of n blocks of s bytes at interval R the
estimate of the count has the variance n (1-p)/p, p = 1 - exp(-s/R). Beyond them by chance once in
16000 comparisons, of which there are some ten.
"""
import glob
import gzip
import math
import os
import re
import subprocess
import sys
import tempfile

# Few enough samples that the ring holds what a busy machine leaves in it: a loss would be counted, but the
# estimates would fall short by it.
INTERVAL = 65536
ROUNDS = 200_000
TYPES = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]


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
        self.types = [strings[dict(fields(v))[1]] for n, v in message if n == 1]
        self.samples = []
        for entry in (list(fields(v)) for n, v in message if n == 2):
            stack = [names[i] for n, v in entry if n == 1 for i in packed(v)]
            values = [i for n, v in entry if n == 2 for i in packed(v)]
            self.samples.append((stack, values))

    def totals(self, leaf):
        return [sum(values[t] for stack, values in self.samples if stack[0] == leaf)
                for t in range(len(self.types))]


def main():
    agent, program = map(os.path.abspath, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program], check=True, env={
            "LD_PRELOAD": agent, "OTPROF_CPU": "false", "OTPROF_EXPORTERS": "pprof",
            "OTPROF_PPROF_DIR": directory, "OTPROF_HEAP_INTERVAL": str(INTERVAL),
            "OTPROF_EXIT_TIMEOUT": "30s"})
        paths = glob.glob(directory + "/*.heap.pb.gz")
        assert len(paths) == 1, paths
        profile = Profile(paths[0])
    failures = []

    def check(what, got, truth, sigma):
        if abs(got - truth) > 4 * sigma + 1:
            failures.append(f"{what}: {got}, but {truth:.0f} +- {sigma:.0f}")

    if profile.types != TYPES:
        failures.append(f"types: {profile.types}")
    for site, count, size, live in (("first_site", ROUNDS, 1000, 0),
                                    ("second_site", ROUNDS, 1000, 0),
                                    ("new_site", ROUNDS // 4, 3000, 0),
                                    ("thread_site", ROUNDS, 2000, 0),
                                    ("keeping_site", 64, 1 << 20, 64)):
        p = -math.expm1(-size / INTERVAL)
        sigma = math.sqrt(count * (1 - p) / p)
        alloc_objects, alloc_space, inuse_objects, inuse_space = profile.totals(site)
        check(f"{site} alloc_objects", alloc_objects, count, sigma)
        check(f"{site} alloc_space", alloc_space, count * size, sigma * size)
        check(f"{site} inuse_objects", inuse_objects, live, 0)
        # A block of 1 MiB is sampled for sure (p = 1 - 1e-7), and weighs 1/p.
        check(f"{site} inuse_space", inuse_space, live * size, live * size * 1e-7)
    allocators = re.compile(r"(malloc|calloc|realloc|operator new)\b|otprof")
    for stack, _ in profile.samples:
        if stack and allocators.match(stack[0]):
            failures.append(f"an allocator's frame is the leaf: {stack}")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
