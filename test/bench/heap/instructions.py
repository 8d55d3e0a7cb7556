#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What heap profiling at the default interval costs real programs, in instructions (callgrind).

  test/bench/heap/instructions.py [--build DIR]

Times of whole programs vary by more than what is to be measured; how many instructions a program
executes does not, with its addresses and hashes fixed. Counted are the program's own threads, samples
included, against the bare program; the agent's thread in a column of its own.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from heap_bench import python_work, sql_work

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = "#include <map>\n#include <string>\nstd::map<std::string, int> f() { return {{\"a\", 1}}; }\n"


def programs(directory):
    source = os.path.join(directory, "source.cc")
    with open(source, "w", encoding="utf-8") as out:
        out.write(SOURCE)
    yield "python3", ["/usr/bin/python3", "-S", "-c", python_work(1, 150_000)]
    yield "sqlite3", ["/usr/bin/sqlite3", ":memory:", sql_work(60_000)]
    yield "g++", ["/usr/bin/g++", "-std=c++17", "-O1", "-c", source, "-o", "/dev/null"]
    yield "git log", ["/usr/bin/git", "-C", HERE, "log", "--stat", "-n", "60"]


def count(command, variables):
    """Instructions of the programs' threads, and of the agent's, over all processes."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["setarch", "-R", "valgrind", "--tool=callgrind", "--separate-threads=yes",
             "--trace-children=yes", "--quiet", f"--callgrind-out-file={directory}/%p", *command],
            env={"PATH": os.environ["PATH"], "HOME": "/", "PYTHONHASHSEED": "0",
                 "PYTHONDONTWRITEBYTECODE": "1", **variables},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        own = agents = 0
        for path in glob.glob(f"{directory}/*"):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            executed = sum(int(n) for n in re.findall(r"^totals: (\d+)", text, re.M))
            if "otprof::agent::Background::run()" in text and "thread: 1" not in text:
                agents += executed
            else:
                own += executed
        return own, agents


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../../build"))
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("SKIP valgrind is not installed")
        return 77
    build = os.path.abspath(options.build)
    heap = {"LD_PRELOAD": f"{build}/libotprof.so:{build}/test/bench/heap/hide_valgrind.so",
            "OTPROF_CPU": "false", "OTPROF_EXPORTERS": "none"}
    print(f"{'instructions, millions':24} {'bare':>10} {'heap':>10} {'ratio':>7} {'agent':>8}")
    with tempfile.TemporaryDirectory() as directory:
        for name, command in programs(directory):
            if not os.path.exists(command[0]):
                continue
            bare, _ = count(command, {})
            own, agents = count(command, heap)
            if agents == 0:
                sys.exit(f"{name} was not profiled")
            print(f"{name:24} {bare / 1e6:10.1f} {own / 1e6:10.1f} {own / bare:7.4f} "
                  f"{agents / 1e6:8.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
