#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares libotprof with other profilers that are loaded into the program, on this machine.

  test/bench/peers/peers.py [--build DIR] [--rounds N] [--async-profiler LIB] [--victims REGEX]
                            [--skip cost|truth|harm]...           (or ./tools/dev bench peers)

cost   CPU time against the bare program in the same round, medians of ratios: two threads that compute at 100 Hz; a
       malloc and free pair, and churn with 100 MB live, at 512 KiB; and what start and end of /bin/true take
       longer, in ms.
truth  of a program whose threads spend 70 % in one function: what is told of that, 70.0 if right; and of how much of its
       CPU time there is word, with two long threads, and with 600 threads of a few ms each: 1.00 if right.
harm   of the programs in test/victims, how many do not do what they do alone (at 1 kHz and 16 KiB).

What is measured of a profiler depends on what it profiles. Needs Debian's libgoogle-perftools4,
libjemalloc2 and libheaptrack; profilers that are not there are left out.
"""
import argparse
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time

import harm
import tools

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def launch_ms(command, environment):
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1e3


def cpu_seconds(command, environment):
    """Of a process and its children; None if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used if result.returncode == 0 else None


def printed(command, environment):
    """What the program itself says that it took; some profilers print something before that."""
    result = subprocess.run(command, env=environment, check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    return float(result.stdout.split()[-1]) if result.returncode == 0 else None


def compare_cost(chosen, measure, command, rounds, combine):
    """{tool: median of the rounds' own comparisons with the bare program}"""
    costs = {tool.name: [] for tool in chosen}
    for _ in range(rounds):
        seen = {}
        for tool in random.sample([None, *chosen], len(chosen) + 1):
            with tempfile.TemporaryDirectory() as directory:
                extra = {} if tool is None else tool.environment(directory)
                seen[tool and tool.name] = measure(command, {**PATH, **extra})
        for tool in chosen:
            if seen[None] is not None and seen[tool.name] is not None:
                costs[tool.name].append(combine(seen[tool.name], seen[None]))
    return {name: statistics.median(values) for name, values in costs.items() if values}


def measure_costs(all_tools, build, rounds, directory):
    load = os.path.join(directory, "load")
    subprocess.run(["cc", "-O2", "-pthread", "-o", load, os.path.join(tools.HERE, "../load.c")], check=True)
    allocations = os.path.join(build, "test/bench/heap/allocations")
    of_cpu = [tool for tool in all_tools if tool.cpu]
    of_heap = [tool for tool in all_tools if tool.heap]
    ratio = lambda seen, bare: seen / bare
    return {
        "CPU": compare_cost(of_cpu, cpu_seconds, [load, "cpu", "2", "1"], rounds, ratio),
        "pair": compare_cost(of_heap, printed, [allocations, "pair", "1", "1"], rounds, ratio),
        "churn": compare_cost(of_heap, printed, [allocations, "churn", "1"], rounds, ratio),
        "start": compare_cost(all_tools, launch_ms, ["/bin/true"], 10 * rounds,
                              lambda seen, bare: seen - bare),
    }


def told(tool, program, arguments):
    """({function: seconds told}, what the program printed, CPU seconds that the kernel counted)"""
    with tempfile.TemporaryDirectory() as directory:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run([program, *arguments], env={**PATH, **tool.environment(directory)},
                                check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (tool.cpu_times(directory, program), result.stdout,
                after.ru_utime - before.ru_utime)


def measure_truth(all_tools, build):
    found = {"70 %": {}, "told": {}, "short": {}}
    programs = os.path.join(build, "test/e2e/agent")
    for tool in all_tools:
        if not tool.cpu:
            continue
        times, printed, used = told(tool, os.path.join(programs, "shares"), ["5000"])
        seventy, thirty = (times.get(f"spend_{part}", 0) for part in ("seventy", "thirty"))
        spent = [int(word) for word in printed.split()[-2:]]
        if seventy + thirty > 0:
            found["70 %"][tool.name] = (100 * seventy / (seventy + thirty)
                                        - 100 * spent[0] / sum(spent) + 70)
        found["told"][tool.name] = sum(times.values()) / used
        times, _, used = told(tool, os.path.join(programs, "short_threads"), ["600", "300000"])
        found["short"][tool.name] = sum(times.values()) / used
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(tools.HERE, "../../../build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--async-profiler", metavar="LIB", help="path of libasyncProfiler.so")
    parser.add_argument("--victims", default="", help="only victims whose name matches")
    parser.add_argument("--skip", action="append", default=[], choices=("cost", "truth", "harm"))
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    chosen = [tool for tool in tools.known_tools(os.path.join(build, "libotprof.so"),
                                                 options.async_profiler)
              if os.path.exists(tool.library)]
    columns = {}
    harmed, tried = {}, 0
    if "cost" not in options.skip:
        with tempfile.TemporaryDirectory() as directory:
            columns.update(measure_costs(chosen, build, options.rounds, directory))
    if "truth" not in options.skip:
        columns.update(measure_truth(chosen, build))
    if "harm" not in options.skip:
        harmed, tried = harm.count_harmed(chosen, build, options.victims)
        columns["harmed"] = {name: len(found) for name, found in harmed.items()}
    print("| |" + "|".join(f" {name} " for name in columns) + "|")
    print("|---|" + "---|" * len(columns))
    for tool in chosen:
        cells = []
        for name, values in columns.items():
            value = values.get(tool.name)
            cells.append("–" if value is None else f"{value} of {tried}" if name == "harmed"
                         else f"{value:.1f}" if name in ("start", "70 %") else f"{value:.2f}")
        print(f"| {tool.name.strip()} | " + " | ".join(cells) + " |")
    for name, found in harmed.items():
        if found:
            print(f"\n{name.strip()}: " + ", ".join(f"{victim} ({what})" for victim, what in found))


if __name__ == "__main__":
    main()
