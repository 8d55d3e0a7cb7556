#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sites.py LIB PROGRAM: a program's heap profile against what the program is known to allocate.

The bounds are 4 standard deviations of a Poisson sample: of n blocks of s bytes at interval R the
estimate of the count has the variance n (1-p)/p, p = 1 - exp(-s/R). Beyond them by chance once in
16000 comparisons, of which there are some ten.
"""
import math
import os
import re
import sys
import tempfile

import heap_profile

# All samples of the run, some 7000 of 200 bytes, fit into the ring at once (4 MiB at this interval): none
# can be lost, however late the agent's thread comes to run.
INTERVAL = 65536
ROUNDS = 100_000
TYPES = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]


def main():
    agent, program = map(os.path.abspath, sys.argv[1:3])
    with tempfile.TemporaryDirectory() as directory:
        heap_profile.run(agent, [program], directory, HEAP_INTERVAL=INTERVAL)
        paths = heap_profile.profile_paths(directory)
        assert len(paths) == 1, paths
        profile = heap_profile.Profile(paths[0])
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
    for sample in profile.samples:
        if sample.stack and allocators.match(sample.stack[0]):
            failures.append(f"an allocator's frame is the leaf: {sample.stack}")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
