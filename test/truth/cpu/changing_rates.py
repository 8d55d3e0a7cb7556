#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Are profiles still true when the governor changes the rate within a window?

  test/truth/cpu/changing_rates.py [--engines LIST] [--seconds N] [--quick] [--as-user NAME] [--deny-perf]

Two threads with a known split of their time are busy for N seconds of their CPU time (5), nearly idle for
a quarter of a minute, and busy again, at a rate and a budget that lower the rate, raise it, and lower it
again: all in one window. Judged as in accuracy.py: shares within a point, total CPU within 1 %, stacks
complete; with --quick wider by four standard deviations of independent samples at the lowest rate. A run
in which the rate was not lowered and raised proves nothing, and fails.
"""
import argparse
import glob
import json
import os
import re
import sys

import accuracy
import host

HZ = 5000
# A budget that the rate exceeds whether or not the program has the machine to itself. Timers are
# looked at in the kernel's tick, so they cost less.
MAX_PERCENT = {"sigtrap": "0.3", "perf": "0.3", "timer": "0.1"}
SLICE_US = 50_000
LEAST_CHANGES = 2  # down and up; a third comes if the machine is fast enough


def run_engine(where, engine, seconds, quick):
    directory = where.new_directory()
    log = os.path.join(directory, "log")
    where.file("test", "truth", "cpu", "libsmall_functions.so")  # beside the program
    result = where.run(
        [where.file("test", "truth", "cpu", "accuracy_program"), "phases", str(seconds),
         str(SLICE_US)], timeout=100 + 40 * seconds,
        OTPROF_HEAP="false", OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=directory,
        OTPROF_CPU_HZ=str(HZ), OTPROF_MAX_CPU_PERCENT=MAX_PERCENT[engine.split("+")[0]],
        OTPROF_EXIT_TIMEOUT="60s", OTPROF_EXPORT_INTERVAL="1h", OTPROF_LOG_LEVEL="info",
        OTPROF_LOG_FILE=log, **host.ENGINES[engine])
    if result is None or result.returncode != 0:
        raise RuntimeError(f"{engine}: " + ("hangs" if result is None else str(result)))
    with open(log, encoding="utf-8") as file:
        text = file.read()
    where.check_engine(engine, text)
    rates = [float(rate) for rate in re.findall(r"CPU is now sampled at ([\d.]+) Hz", text)]
    profile = accuracy.Profile(glob.glob(os.path.join(directory, "*.cpu.pb.gz")))
    row = accuracy.Row(engine, "phases", json.loads(result.stdout), profile, quick,
                       weight=HZ / min(rates, default=HZ))
    has_risen = any(later > earlier for earlier, later in zip(rates, rates[1:]))
    if len(rates) < LEAST_CHANGES or min(rates) > HZ / 3 or not has_risen:
        row.failures.append("the rate did not change enough: " + text)
    if text.count("OTPROF_CPU_HZ asks for more") != 1:
        row.failures.append("the budget was not named once: " + text)
    return row, rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    host.add_arguments(parser)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--quick", action="store_true", help="wider bounds")
    arguments = parser.parse_args()
    engines = host.chosen_engines(arguments)
    failed, missing = 0, 0
    with host.Host(arguments) as where:
        print(where.describe())
        for engine in engines:  # one by one: the kernel's ticks are imprecise where threads compete
            try:
                row, rates = run_engine(where, engine, arguments.seconds, arguments.quick)
            except host.Unavailable as why:
                print(f"{engine:15} not available here: {why}")
                missing += 1
                continue
            failed += bool(row.failures)
            print(f"{row}\n{'':15} Hz: {HZ}, {', '.join(str(rate) for rate in rates)}", flush=True)
    return host.conclude(len(engines) - missing, failed, "out of bounds")


if __name__ == "__main__":
    sys.exit(main())
