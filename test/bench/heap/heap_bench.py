#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""heap_bench.py --agent LIB --allocations PROGRAM [--rounds N]: what heap profiling costs.

Runs each workload by turns without the agent, with it at the default interval and with it loaded
but switched off, in an order that changes from round to round, and prints the median of the ratios
of CPU time within a round: machine load that lasts longer than a round cancels out.
"""
import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile

PYTHON = "x={}\nfor i in range(300000): x[str(i)]=[i]*3\nprint(len(x))"
SQL = ("create table t(a,b); with recursive c(i) as (select 1 union all select i+1 from c where "
       "i<150000) insert into t select i, printf('%d-%d', i, i*7) from c; "
       "create index x on t(b); select count(*), max(b) from t;")


def workloads(allocations, source):
    yield "malloc+free pair, 1 thread", [allocations, "pair", "1", "30"], True
    yield "malloc+free pair, 2 threads", [allocations, "pair", "2", "30"], True
    yield "churn, 100 MB live", [allocations, "churn", "3"], True
    if shutil.which("/usr/bin/python3"):
        yield "python3", ["/usr/bin/python3", "-S", "-c", PYTHON], False
    if shutil.which("sqlite3"):
        yield "sqlite3", ["sqlite3", ":memory:", SQL], False
    if shutil.which("g++"):
        yield "g++", ["g++", "-std=c++17", "-O1", "-c", source, "-o", "/dev/null"], False


def environment(setting, agent, directory):
    variables = {k: v for k, v in os.environ.items() if not k.startswith("OTPROF_")}
    if setting != "bare":
        variables.update(LD_PRELOAD=agent, OTPROF_CPU="false", OTPROF_EXPORTERS="pprof",
                         OTPROF_PPROF_DIR=directory, OTPROF_HEAP="true" if setting == "heap"
                         else "false", OTPROF_ENABLED="true" if setting == "heap" else "false")
    return variables


def cost(command, prints_cost, variables):
    """CPU seconds of the command and its children, or what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if prints_cost:
        return float(done.stdout)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--allocations", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "source.cc")
        with open(source, "w", encoding="utf-8") as out:
            out.write("#include <map>\n#include <regex>\n#include <string>\n"
                      "bool f(std::string s){return std::regex_match(s,std::regex(\"a+\"));}\n")
        for name, command, prints_cost in workloads(options.allocations, source):
            costs = {"bare": [], "off": [], "heap": []}
            for _ in range(options.rounds):
                for setting in random.sample(sorted(costs), len(costs)):
                    costs[setting].append(cost(command, prints_cost, environment(
                        setting, os.path.abspath(options.agent), directory)))
            ratios = {s: statistics.median(a / b for a, b in zip(costs[s], costs["bare"]))
                      for s in ("off", "heap")}
            bare = min(costs["bare"])
            print(f"{name:28} bare {bare:8.3f} {'ns' if prints_cost else 's'}   "
                  f"off {ratios['off']:.3f}x   heap {ratios['heap']:.3f}x", flush=True)


if __name__ == "__main__":
    main()
