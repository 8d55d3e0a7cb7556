#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""leaks.py LIB OTPROF PROGRAM: of a thousand places that allocate alike one forgets to free. It must be
named first by the ranking in the profile of the third window, by the report at exit and by `otprof
leaks`, though another place holds far more.
"""
import os
import subprocess
import sys
import tempfile

import heap_profile

LEAK = "forgetful_site"
ROUNDS_IN_A_WINDOW = 100


def main():
    agent, otprof, program = map(os.path.abspath, sys.argv[1:4])
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        done = heap_profile.run(agent, [program, str(ROUNDS_IN_A_WINDOW * 7 // 2)], directory,
                                stderr=subprocess.PIPE, HEAP_INTERVAL=8192, EXPORT_INTERVAL="1s",
                                LEAK_REPORT="true")
        paths = heap_profile.profile_paths(directory)
        if len(paths) < 3:
            failures.append(f"only {len(paths)} windows")
        for number, path in enumerate(paths, 1):
            profile = heap_profile.Profile(path)
            ranks = {}
            for sample in profile.samples:
                rank = sample.labels.get("otprof.heap.leak.rank")
                if rank is not None:
                    ranks[rank] = (sample.stack[0], sample.labels["otprof.heap.leak.growth"])
            print(f"window {number}: {dict(sorted(ranks.items()))}")
            if number == 1 and ranks:
                failures.append("the first window has nothing to compare with, and yet ranks")
            if number >= 3 and ranks.get(1, ("nothing",))[0] != LEAK:
                failures.append(f"window {number} ranks {ranks.get(1)} first")
        report = done.stderr.splitlines()
        first = next((n for n, line in enumerate(report) if line.startswith("otprof: leak 1: ")), None)
        if first is None or report[first + 1].split() != ["otprof:", LEAK]:
            failures.append("the report at exit names another place first")
        print(done.stderr)
        shown = subprocess.run([otprof, "leaks", *paths], check=True, stdout=subprocess.PIPE,
                               text=True).stdout
        print(shown)
        frames = [line.strip() for line in shown.splitlines() if line.startswith("    ")]
        named = [frame for frame in frames if frame in (LEAK, "constant_site")]
        if named[:1] != [LEAK]:
            failures.append("otprof leaks names another place first")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
