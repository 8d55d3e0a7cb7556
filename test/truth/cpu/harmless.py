#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What sampling must never do to a program, tried where it most easily happens.

  test/truth/cpu/harmless.py [CHECK...] [--engines LIST] [--unwinders LIST] [--quick] [--as-user NAME]
                             [--deny-perf] [--without-find-object]
  (or ./tools/dev bench harmless ...)

  eintr    poll, select, epoll_wait, nanosleep, sem_timedwait and connect, 20,000 of each at 1 kHz:
           none is interrupted
  exec     3,000 children that execute another program at 1 kHz: none is killed
  hazard   60 seconds of seven threads that load and unload modules, throw, allocate, walk the list of
           modules and start threads, at 5 kHz, with each unwinder: no hang, no wrong result

Every row names what was sampled, so that a row that sampled nothing fails. Exit status 0: no harm done.
"""
import argparse
import glob
import os
import sys
import time

import accuracy
import host

CHECKS = ["eintr", "exec", "hazard"]
UNWINDERS = ["cfi", "fp", "libunwind"]


class Result:
    def __init__(self, process, profile, seconds):
        self.process, self.seconds = process, seconds
        self.samples = profile.count()
        self.failures = []
        if process is None:
            self.failures.append("hangs")
        elif process.returncode != 0:
            self.failures.append(f"status {process.returncode}: {process.stdout} {process.stderr}")
        elif self.samples == 0:
            self.failures.append("nothing was sampled")


def run(where, engine, unwinder, hz, command, timeout, **variables):
    directory = where.new_directory()
    log = os.path.join(directory, "log")
    start = time.monotonic()
    process = where.run(command, timeout=timeout, OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=directory,
                        OTPROF_CPU_HZ=str(hz), OTPROF_EXIT_TIMEOUT="60s", OTPROF_LOG_LEVEL="info",
                        OTPROF_LOG_FILE=log, OTPROF_UNWINDER=unwinder, OTPROF_EXPORT_INTERVAL="5s",
                        **host.ENGINES[engine], **variables)
    seconds = time.monotonic() - start
    with open(log, encoding="utf-8") as file:
        where.check_engine(engine, file.read())
    return Result(process, accuracy.Profile(glob.glob(os.path.join(directory, "*.cpu.pb.gz"))),
                  seconds)


def eintr(where, engine, _, quick):
    count = 400 if quick else 20_000
    result = run(where, engine, "cfi", 1000,
                 [where.file("test", "truth", "cpu", "waiting_calls"), str(count)], timeout=300)
    calls = interrupted = 0
    if not result.failures:
        for line in result.process.stdout.splitlines():
            name, made, cut = line.split()
            calls += int(made)
            interrupted += int(cut)
            if int(cut):
                result.failures.append(f"{cut} of {made} {name} were interrupted")
    return result, f"{interrupted} of {calls} calls interrupted"


def executed(where, engine, _, quick):
    count = 150 if quick else 3_000
    result = run(where, engine, "cfi", 1000,
                 [where.file("test", "victims", "victim_exec_storm_children"), str(count)],
                 timeout=600)
    if not result.failures and result.process.stdout != f"{count} good children\n":
        result.failures.append(result.process.stdout.strip())
    return result, "-" if result.process is None else result.process.stdout.strip() + f" of {count}"


def hazard(where, engine, unwinder, quick):
    seconds = 4 if quick else 60
    result = run(where, engine, unwinder, 5000,
                 [where.file("test", "truth", "cpu", "hazard"), str(seconds),
                  where.file("test", "victims", "victim_plugin.so")],
                 timeout=120 + 3 * seconds, OTPROF_HEAP_INTERVAL="16KiB")
    rounds = "-"
    if not result.failures:
        made = [line.rsplit(" ", 1)[-1] for line in result.process.stdout.splitlines()]
        rounds = ", ".join(made)
        if len(made) != 7:
            result.failures.append(f"{len(made)} of 7 threads have told what they did")
    return result, f"rounds {rounds}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    host.add_arguments(parser)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=" ".join(CHECKS))
    parser.add_argument("--unwinders", default=",".join(UNWINDERS), help="of the hazard check")
    parser.add_argument("--quick", action="store_true", help="some seconds instead of minutes")
    arguments = parser.parse_args()
    checks = arguments.checks or CHECKS
    if unknown := set(checks) - set(CHECKS):
        sys.exit(f"no check is called {unknown.pop()!r}; there are {', '.join(CHECKS)}")
    rows = failed = 0
    with host.Host(arguments) as where:
        print(where.describe())
        print(f"{'check':8} {'engine':15} {'unwinder':10} {'samples':>8} {'s':>6}", flush=True)
        for check in checks:
            for engine in host.chosen_engines(arguments):
                for unwinder in arguments.unwinders.split(",") if check == "hazard" else ["cfi"]:
                    what = {"eintr": eintr, "exec": executed, "hazard": hazard}[check]
                    try:
                        result, figure = what(where, engine, unwinder, arguments.quick)
                    except host.Unavailable as why:
                        print(f"{check:8} {engine:15} not available here: {why}", flush=True)
                        break
                    rows += 1
                    failed += bool(result.failures)
                    print(f"{check:8} {engine:15} {unwinder:10} {result.samples:8} "
                          f"{result.seconds:6.1f}  {figure}  "
                          + ("ok" if not result.failures else "FAILED: " + "; ".join(result.failures)),
                          flush=True)
    return host.conclude(rows, failed, "with harm done")


if __name__ == "__main__":
    sys.exit(main())
