#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a program costs with its heap profiled at the default interval, by what its memory comes from.

  test/bench/heap/allocators.py [--build DIR] [--rounds N] [--only NAME]     (or ./tools/dev bench allocators)

Each round runs the program bare, with glibc's malloc behind the agent (OTPROF_ALLOCATOR=system) and with
the bundled jemalloc, in an order that changes; a ratio is the median of the rounds' own ratios to the bare
run, low and high are their quartiles.
"""
import argparse
import os
import random
import statistics
import tempfile

import heap_bench

SETTINGS = ("bare", "system", "jemalloc")


def environment(setting, agent):
    if setting == "bare":
        return heap_bench.environment("bare", agent)
    return {**heap_bench.environment("heap", agent), "OTPROF_ALLOCATOR": setting}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(heap_bench.HERE, "../../../build"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    agent = os.path.join(build, "libotprof.so")
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "source.cc")
        with open(source, "w", encoding="utf-8") as out:
            out.write(heap_bench.SOURCE)
        print(f"{'':28} {'bare':>10}" + "".join(f"   {setting:>8} {'low':>6} {'high':>6}"
                                                 for setting in SETTINGS[1:]))
        for name, workload in heap_bench.workloads(build, source):
            if options.only not in name:
                continue
            costs = {setting: [] for setting in SETTINGS}
            for _ in range(max(options.rounds, 3)):
                for setting in random.sample(SETTINGS, len(SETTINGS)):
                    costs[setting].append(workload.cost(environment(setting, agent)))
            text = f"{name:28} {statistics.median(costs['bare']):7.3f} {workload.unit:2}"
            for setting in SETTINGS[1:]:
                ratios = [a / b for a, b in zip(costs[setting], costs["bare"])]
                low, middle, high = statistics.quantiles(ratios, n=4)
                text += f"   {middle:8.3f} {low:6.3f} {high:6.3f}"
            print(text, flush=True)


if __name__ == "__main__":
    main()
