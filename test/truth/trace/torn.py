#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""torn.py LIB PROGRAM [--rounds N] [--seconds S]: no sample carries ids that were not published.

Runs torn.cc under the agent, CPU sampled at 10 kHz and every allocation sampled, and looks at each row
of the profiles: a pair of ids must prove itself (trace_pairs.h), belong to the row's thread, and be
the one that the size of the allocation stands for; an allocation of the size that means "none" must
carry none. Then the same with a writer that tears, which has to be found out.

The full measure, a million samples and more:  torn.py LIB PROGRAM --rounds 1500000 --seconds 10
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conformance"))
from messages import pprof  # noqa: E402: found through the path set above
import gzip  # noqa: E402
import glob  # noqa: E402

MASK = (1 << 64) - 1
NO_PAIR, SIZE_OF_FIRST = 16, 64


def scramble(x):
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
    return x ^ x >> 31


def pair_of(trace, span):
    """(thread, count) of ids that belong together, else None."""
    what = int.from_bytes(trace[:8], "little")
    check = scramble(what)
    good = (trace[8:] == check.to_bytes(8, "little") and
            span == scramble(check + 1 & MASK).to_bytes(8, "little"))
    return (what >> 32, what & 0xffffffff) if good else None


class Tally:
    def __init__(self):
        self.cpu = self.cpu_linked = self.heap = self.heap_linked = self.lost = 0
        self.torn, self.foreign, self.misplaced = [], [], []


def look_at(path, kind, tally):
    with gzip.open(path) as file:
        profile = pprof.Profile.FromString(file.read())
    text = profile.string_table
    for sample in profile.sample:
        labels = {text[label.key]: text[label.str] if label.str else label.num
                  for label in sample.label}
        thread = labels.get("thread.name", "")
        # A thread may still have its parent's name in the first samples.
        has_name = thread.startswith("writer")
        if not has_name and "trace_id" not in labels:
            continue
        count = sample.value[0]
        pair = None
        if "trace_id" in labels:
            ids = bytes.fromhex(labels["trace_id"]), bytes.fromhex(labels["span_id"])
            pair = pair_of(*ids)
            if pair is None:
                tally.torn.append((kind, labels, count))
                continue
            if has_name and thread != f"writer{pair[0]}":
                tally.foreign.append((kind, labels, count))
        if kind == "cpu":
            tally.cpu += count
            tally.cpu_linked += count if pair else 0
            continue
        # Names and other small things are allocated before the writing begins.
        size = labels["bytes"]
        if count == 0 or (size < SIZE_OF_FIRST and size != NO_PAIR):
            continue
        tally.heap += count
        tally.heap_linked += count if pair else 0
        stands_for = None if size == NO_PAIR else (size - SIZE_OF_FIRST) // 16
        if pair is None and stands_for is not None and not is_work(profile, sample):
            continue
        if (pair[1] if pair else None) != stands_for:
            tally.misplaced.append((labels, count))


def is_work(profile, sample):
    """Whether the program's allocate() is on the stack."""
    functions = {f.id: profile.string_table[f.name] for f in profile.function}
    names = [functions[line.function_id] for location in profile.location
             if location.id in set(sample.location_id) for line in location.line]
    return any("allocate" in name for name in names)


def run(agent, program, arguments):
    tally = Tally()
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, env={
            "LD_PRELOAD": agent, "OTPROF_EXPORTERS": "pprof", "OTPROF_PPROF_DIR": directory,
            "OTPROF_HEAP_INTERVAL": "1", "OTPROF_CPU_HZ": "10000", "OTPROF_HEAP_LIVE": "false",
            "OTPROF_TIMESTAMPS": "false", "OTPROF_EXPORT_INTERVAL": "2s", "OTPROF_EXIT_TIMEOUT": "60s",
            "OTPROF_MAX_STACK_DEPTH": "8", "OTPROF_MAX_CPU_PERCENT": "100"})
        for kind in ("cpu", "heap"):
            for path in glob.glob(f"{directory}/*.{kind}.pb.gz"):
                look_at(path, kind, tally)
    return int(result.stdout), tally


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("agent")
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=15000)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    agent, program = os.path.abspath(options.agent), os.path.abspath(options.program)

    attachments, tally = run(agent, program, [str(options.rounds), str(options.seconds)])
    print(f"{attachments} attachments; CPU samples {tally.cpu} ({tally.cpu_linked} with ids), "
          f"allocations {tally.heap} ({tally.heap_linked} with ids); torn {len(tally.torn)}, of another "
          f"thread {len(tally.foreign)}, not the one attached {len(tally.misplaced)}")
    failures = []
    for what in ("torn", "foreign", "misplaced"):
        if getattr(tally, what):
            failures.append(f"{what}: {getattr(tally, what)[:3]}")
    # Many are lost when nothing else is done than allocate, and the more, the busier the machine.
    if tally.heap_linked < options.rounds // 2:
        failures.append(f"only {tally.heap_linked} allocations of {4 * options.rounds} seen")
    if tally.cpu_linked < 20:
        failures.append(f"only {tally.cpu_linked} CPU samples with ids")

    for _ in range(3):  # on a very busy machine its thread may hardly have been sampled
        _, torn = run(agent, program, ["0", "2", "tear"])
        print(f"of a writer that tears: {len(torn.torn)} torn rows in {torn.cpu} CPU samples")
        if torn.torn:
            break
    else:
        failures.append("the writer that tears was not found out")
    print(*failures, sep="\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
