#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drift.py LIB PROGRAM SECONDS: live blocks in the profile of each second, while threads free each
other's blocks and 1024 are alive all the time; at the end, nothing is.

The suite runs ten seconds of it. Ten minutes:
  test/truth/heap/drift.py build/libotprof.so build/test/truth/heap/heap_drift 600

Of n live blocks of s bytes at interval R the estimate has the variance n (1-p)/p, p = 1 - exp(-s/R).
Blocks live for some 0.1 s, so seconds are independent. Bounds: 5 standard deviations for each second,
4 for the mean of all and for the difference between the means of the two halves; a loss of one
free in 10,000 would add 5 blocks a second.
"""
import math
import os
import sys
import tempfile

import heap_profile

BLOCKS = 1024
IN_HAND = 8  # one per thread, at most
SIZE = 1000
INTERVAL = 8192
SITES = ("allocating_site", "moving_site")


def main():
    agent, program, seconds = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as directory:
        heap_profile.run(agent, [os.path.abspath(program), seconds], directory,
                         HEAP_INTERVAL=INTERVAL, EXPORT_INTERVAL="1s")
        profiles = [heap_profile.Profile(path) for path in heap_profile.profile_paths(directory)]
    live = [sum(profile.totals(site)[2] for site in SITES) for profile in profiles]
    print(live)
    failures = []
    # A machine that leaves the agent's thread no CPU for half a second loses samples, and says so. They
    # are missing as long as their blocks live.
    lost = [int(profile.facts["otprof.samples.lost"]) for profile in profiles]
    print(f"samples lost: {lost[-1]}")
    is_whole = [after == before for before, after in zip([0] + lost, lost)]
    live = [blocks for blocks, whole in zip(live[:-1], is_whole) if whole] + live[-1:]
    if live.pop() != 0:
        failures.append("blocks are alive although all were freed")
    if len(live) < int(seconds) // 2:
        failures.append(f"only {len(live)} windows")
    p = -math.expm1(-SIZE / INTERVAL)
    sigma = math.sqrt(BLOCKS * (1 - p) / p)

    def check(what, value, truth, bound):
        print(f"{what}: {value:.1f}, should be {truth} +- {bound:.1f}")
        if not -bound <= value - truth <= bound + (IN_HAND if truth else 0):
            failures.append(what)

    for second, blocks in enumerate(live):
        check(f"live in second {second}", blocks, BLOCKS, 5 * sigma)
    half = len(live) // 2
    check("mean", sum(live) / len(live), BLOCKS, 4 * sigma / math.sqrt(len(live)))
    check("drift from half to half", sum(live[-half:]) / half - sum(live[:half]) / half, 0,
          4 * sigma * math.sqrt(2 / half))
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
