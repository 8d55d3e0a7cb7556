#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How true CPU profiles are: programs that know where their time goes, against the files they leave.

  test/truth/cpu/accuracy.py [--engines LIST] [--cases LIST] [--quick] [--as-user NAME] [--deny-perf]
                              [--without-find-object]
  (or ./tools/dev bench accuracy ...)

Each program takes turns between parts and books what the clock of its threads says for each. Judged,
for each engine:

  share    how far the part's share of the profile is from the program's own account, in points: at most 1
  total    CPU time in the profile against the process's clock (less the profiler's own thread): within
           1 %. Where kernel time is not counted, it must lie between the user time and all of it, 1 %
           either way. (The kernel's own account of user time is a sample, too, one for each of its
           ticks: three standard deviations of that are allowed for. And the kernel time of the
           profiler's signals, which always follows right after a sample, counts as user time.)
  rooted   samples whose stack reaches a thread's first frame: at least 99.9 %, of throws 99.5 %.
           With 200 frames and a limit of 128, instead, every cut stack has to say depth_limit.

Without --quick each row has at least 10,000 samples. With it there are fewer, and the bounds are wider
by four standard deviations of independent samples.

Both sides are CPU time, so a busy machine does not matter. Exit status 0: all within bounds.
"""
import argparse
import concurrent.futures
import glob
import gzip
import json
import math
import os
import sys

import host
from messages import pprof

CASES = ["split", "inlined", "prologues", "plt", "vdso", "system_calls", "throws", "recursion",
         "odd_frames", "without_tables", "generated", "context", "own_switch", "alternate_stack",
         "modules", "threads", "short_threads"]
# Timers are looked at in the kernel's tick, whatever their period.
TICKS_PER_SECOND = 250
HZ = {"sigtrap": 2500, "perf": 2500, "timer": TICKS_PER_SECOND}
QUICK_SAMPLES = {"sigtrap": 2000, "perf": 2000, "timer": 600}
# What shows a part whose own frame is on another stack, or among those that were cut off.
STANDS_FOR = {"part_200_deep": "descend", "part_context": "context_body",
              "part_own_switch": "fiber_body"}
DEPTH_LIMIT = 128
LEAST_SAMPLES = 10_000


class Profile:
    """The samples of pprof files: (set of function names, thread name, end of stack, count, ns)."""

    def __init__(self, paths):
        self.samples = []
        for path in paths:
            with gzip.open(path) as file:
                self.add(pprof.Profile.FromString(file.read()))

    def add(self, profile):
        text = profile.string_table
        functions = {f.id: text[f.name] for f in profile.function}
        names = {location.id: [functions[line.function_id] for line in location.line]
                 for location in profile.location}
        for sample in profile.sample:
            labels = {text[label.key]: text[label.str] or label.num for label in sample.label}
            self.samples.append((
                {name for id in sample.location_id for name in names[id]},
                labels.get("thread.name", ""), labels.get("otprof.stack.end", "root"),
                sample.value[0], sample.value[1]))

    def count(self, condition=lambda *_: True):
        return sum(s[3] for s in self.samples if condition(*s))

    def nanoseconds(self, condition=lambda *_: True):
        return sum(s[4] for s in self.samples if condition(*s))


class Row:
    """`weight`: periods that a sample may stand for."""

    def __init__(self, engine, case, account, profile, quick, weight=1):
        self.engine, self.case = engine, case
        self.account, self.profile = account, profile
        self.samples = profile.count()
        self.independent = max(self.samples / weight, 1)
        self.failures = []
        with_kernel = engine.endswith("+kernel")
        self.judge_shares(quick, with_kernel)
        self.judge_total(quick, with_kernel)
        self.judge_roots(quick)
        if not quick and self.samples < LEAST_SAMPLES:
            self.failures.append(f"only {self.samples} samples")

    def judge_shares(self, quick, with_kernel):
        self.share_error = None
        if self.case == "system_calls" and not with_kernel:
            return  # the program cannot tell how much of a part was not in the kernel
        parts = self.account["parts"]
        by_thread = self.case == "threads"

        def is_of(part, names, thread):
            if by_thread:
                return part == thread
            stand_in = STANDS_FOR.get(part)
            return part in names or stand_in and any(stand_in in name for name in names)

        told = {part: self.profile.nanoseconds(
            lambda names, thread, *_, part=part: is_of(part, names, thread)) for part in parts}
        # Of everything: what is attributed to no part is missing from one.
        true_sum, told_sum = sum(parts.values()), self.profile.nanoseconds(
            lambda names, thread, *_: not by_thread or thread in parts)
        if self.case in ("short_threads", "modules"):
            # But that a thread starts and ends, or a module is opened and closed, is in no part.
            outside = told_sum - sum(told.values())
            if outside > 0.1 * told_sum:
                self.failures.append(f"{100 * outside / told_sum:.2f} % are in no part")
            told_sum -= outside
        if told_sum == 0:
            self.failures.append("no samples")
            return
        worst = 0
        for part, ns in parts.items():
            true_share = ns / true_sum
            error = 100 * abs(told[part] / told_sum - true_share)
            bound = 1.0
            if quick:
                bound = max(bound, 400 * math.sqrt(true_share * (1 - true_share)
                                                   / self.independent))
            worst = max(worst, error)
            if error > bound:
                self.failures.append(f"{part} has {100 * true_share:.2f} % of the time, the profile "
                                     f"says {100 * told[part] / told_sum:.2f} %")
        self.share_error = worst

    def judge_total(self, quick, with_kernel):
        most = self.account["process_ns"]
        least = most
        if not with_kernel:
            system = 1000 * self.account["system_us"]
            ticks = most / 1e9 * TICKS_PER_SECOND
            deviation = math.sqrt(ticks * system / most * (1 - system / most)) / TICKS_PER_SECOND
            least -= system + 3e9 * deviation
        if self.case == "short_threads" and not with_kernel:
            # A tick rarely finds the kernel starting or ending a thread, so its account of system time
            # is too low. The parts' clocks are precise, and the parts make no system calls.
            least = min(least, sum(self.account["parts"].values()))
        told = self.profile.nanoseconds()
        self.total = told / most
        bound = 0.01
        if quick:
            bound = max(bound, 4 / math.sqrt(self.independent))
        if not (1 - bound) * least <= told <= (1 + bound) * most:
            self.failures.append(f"total CPU is {told / 1e9:.3f} s, and was {least / 1e9:.3f} to "
                                 f"{most / 1e9:.3f} s")

    def judge_roots(self, quick):
        complete = self.profile.count(lambda names, thread, end, *_: end == "root")
        if self.case == "recursion":
            cut = self.profile.count(lambda names, *_: "main" not in names)
            marked = self.profile.count(lambda names, thread, end, *_: end == "depth_limit"
                                        and "main" not in names)
            self.rooted = (complete + marked) / max(self.samples, 1)
            if marked != cut or cut < 0.4 * self.samples:
                self.failures.append(f"of {cut} stacks that are cut {marked} say so")
        else:
            self.rooted = complete / max(self.samples, 1)
        allowed = (0.005 if self.case == "throws" else 0.001) * self.samples
        if quick:
            allowed += 4 * math.sqrt(allowed)
        if (1 - self.rooted) * self.samples > allowed:
            ends = {}
            for _, _, end, count, _ in self.profile.samples:
                ends[end] = ends.get(end, 0) + count
            self.failures.append(f"{100 * self.rooted:.3f} % of the stacks are complete: {ends}")

    def __str__(self):
        share = "-" if self.share_error is None else f"{self.share_error:.2f}"
        return (f"{self.engine:15} {self.case:16} {self.samples:8} {share:>7} "
                f"{100 * self.total:8.2f} {100 * self.rooted:8.3f}  "
                + ("ok" if not self.failures else "FAILED: " + "; ".join(self.failures)))


def run_case(where, engine, case, quick, samples, unwinder):
    kind = engine.split("+")[0]
    hz = HZ[kind]
    # Samples of threads that have one at most are independent: at 10,000, one share in twenty would be
    # off by a point by chance.
    # And half of system calls' time is the kernel's.
    least = LEAST_SAMPLES * {"short_threads": 4, "system_calls": 2}.get(case, 1)
    seconds = (samples or (QUICK_SAMPLES[kind] if quick else 1.2 * least)) / hz
    # A turn is a few looks of the profiler long; short threads live shorter than one.
    slice_us = 1_000_000 // hz if case == "short_threads" else 10_000_000 // hz
    directory = where.new_directory()
    log = os.path.join(directory, "log")
    for module in ("turn_one.so", "turn_two.so", "libsmall_functions.so"):
        where.file("test", "truth", "cpu", module)  # beside the program
    result = where.run(
        [where.file("test", "truth", "cpu", "accuracy_program"), case, f"{seconds:.3f}",
         str(slice_us)], timeout=60 + 20 * seconds,
        OTPROF_HEAP="false", OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=directory,
        OTPROF_CPU_HZ=str(hz), OTPROF_EXIT_TIMEOUT="60s", OTPROF_EXPORT_INTERVAL="1h",
        OTPROF_LOG_LEVEL="info", OTPROF_LOG_FILE=log, OTPROF_MAX_STACK_DEPTH=str(DEPTH_LIMIT),
        OTPROF_UNWINDER=unwinder, **host.ENGINES[engine])
    if result is None or result.returncode != 0:
        raise RuntimeError(f"{engine} {case}: " + ("hangs" if result is None else str(result)))
    with open(log, encoding="utf-8") as file:
        where.check_engine(engine, file.read())
    profile = Profile(glob.glob(os.path.join(directory, "*.cpu.pb.gz")))
    return Row(engine, case, json.loads(result.stdout), profile, quick)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    host.add_arguments(parser)
    parser.add_argument("--cases", default=",".join(CASES), help="comma list of: " + " ".join(CASES))
    parser.add_argument("--quick", action="store_true", help="some seconds instead of minutes")
    parser.add_argument("--samples", type=int, help="of each row, instead of 1.2 * 10,000")
    parser.add_argument("--unwinder", default="cfi", help="cfi, fp or libunwind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs at a time")
    arguments = parser.parse_args()
    cases = arguments.cases.split(",")
    for case in cases:
        if case not in CASES:
            sys.exit(f"no case is called {case!r}; there are {', '.join(CASES)}")
    rows, missing, failed = 0, {}, 0
    with host.Host(arguments) as where:
        print(where.describe())
        print(f"{'engine':15} {'case':16} {'samples':>8} {'share':>7} {'total':>8} {'rooted':>8}\n"
              f"{'':15} {'':16} {'':8} {'+-pt':>7} {'%':>8} {'%':>8}", flush=True)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for engine in host.chosen_engines(arguments):
                tasks = [pool.submit(run_case, where, engine, case, arguments.quick, arguments.samples,
                                     arguments.unwinder) for case in cases]
                for task in tasks:
                    try:
                        row = task.result()
                    except host.Unavailable as why:
                        missing[engine] = str(why)
                        continue
                    rows += 1
                    failed += bool(row.failures)
                    print(row, flush=True)
                if engine in missing:
                    print(f"{engine:15} not available here: {missing[engine]}", flush=True)
    return host.conclude(rows, failed, "out of bounds")


if __name__ == "__main__":
    sys.exit(main())
