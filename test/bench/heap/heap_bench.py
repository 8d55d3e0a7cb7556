#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What heap profiling at the default interval costs, measured on this machine.

  test/bench/heap/heap_bench.py [--build DIR] [--rounds N]     (or ./tools/dev bench)

First the calls themselves: paired.c calls the C library directly and by way of the agent in turns, in one
process, so the load of the machine cancels out within milliseconds. Then whole programs, by turns
without the agent, with it loaded but switched off, and with it on, in an order that changes from
round to round; CPU time of the program, the agent's thread, its start and its end included. A ratio is the
median of the rounds' own ratios; low and high are their quartiles.
"""
import argparse
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = """#include <map>
#include <regex>
#include <string>
bool f(std::string s) { return std::regex_match(s, std::regex("a+")); }
"""
REDIS_PROGRAMS = ("/usr/bin/redis-server", "/usr/bin/redis-check-rdb")
SETTINGS = ("bare", "off", "heap")


def python_work(rounds, keys):
    return (f"for r in range({rounds}):\n x={{}}\n for i in range({keys}): x[str(i)]=[i]*3\n"
            "print(len(x))")


def sql_work(rows):
    return ("create table t(a,b); with recursive c(i) as (select 1 union all select i+1 from c where "
            f"i<{rows}) insert into t select i, printf('%d-%d', i, i*7) from c; "
            "create index x on t(b); select count(*), max(b) from t;")


def environment(setting, agent):
    variables = {"PATH": os.environ["PATH"]}
    if setting != "bare":
        variables.update(LD_PRELOAD=agent, OTPROF_CPU="false", OTPROF_EXPORTERS="none",
                         OTPROF_MAX_CPU_PERCENT="100",
                         OTPROF_ENABLED="true" if setting == "heap" else "false")
    return variables


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Printing:
    """A program that prints what it cost, in nanoseconds."""
    unit = "ns"

    def __init__(self, *command):
        self.command = command

    def cost(self, variables):
        return float(subprocess.run(self.command, env=variables, stdout=subprocess.PIPE,
                                    check=True).stdout)


class Program:
    unit = "s"

    def __init__(self, *command):
        self.command = command

    def cost(self, variables):
        before = cpu_of_children()
        subprocess.run(self.command, env=variables, stdout=subprocess.DEVNULL, check=True)
        return cpu_of_children() - before


class Redis:
    """The server's CPU time for a fixed list of commands, sent in batches on one connection."""
    unit = "s"

    def __init__(self, program):
        self.program = program
        self.batches = [self._batch(n) for n in range(200)]

    @staticmethod
    def _batch(number):
        lines = []
        for i in range(number * 1000, number * 1000 + 1000):
            lines.append((f"SET key:{i % 30000} {'v' * (i * 37 % 500)}", f"GET key:{i * 7 % 30000}",
                          f"RPUSH list:{i % 500} {'x' * (i % 200)}", f"LPOP list:{i * 3 % 500}",
                          f"HSET hash:{i % 300} f{i % 900} {i}")[i % 5])
        return ("\r\n".join(lines) + "\r\n").encode(), len(lines)

    def cost(self, variables):
        with tempfile.TemporaryDirectory() as directory:
            server = os.path.join(directory, "redis-server")
            os.symlink(self.program, server)
            path = os.path.join(directory, "socket")
            process = subprocess.Popen(
                [server, "--port", "0", "--unixsocket", path, "--save", "", "--dir", directory],
                env=variables, stdout=subprocess.DEVNULL)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(30)
                for _ in range(500):  # until it listens
                    try:
                        connection.connect(path)
                        break
                    except OSError:
                        time.sleep(0.01)
                answers = connection.makefile("rb")
                for batch, count in self.batches:
                    connection.sendall(batch)
                    for _ in range(count):
                        answer = answers.readline()
                        if answer.startswith(b"$") and answer != b"$-1\r\n":
                            answers.readline()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            process.terminate()
            process.wait()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def workloads(build, source):
    allocations = os.path.join(build, "test/bench/heap/allocations")
    yield "malloc+free pair, 1 thread", Printing(allocations, "pair", "1", "30")
    yield "malloc+free pair, 2 threads", Printing(allocations, "pair", "2", "30")
    yield "churn, 100 MB live", Printing(allocations, "churn", "3")
    if shutil.which("/usr/bin/python3"):
        yield "python3", Program("/usr/bin/python3", "-S", "-c", python_work(4, 300_000))
    if shutil.which("sqlite3"):
        yield "sqlite3", Program("sqlite3", ":memory:", sql_work(600_000))
    if redis := next(filter(os.path.exists, REDIS_PROGRAMS), None):
        yield "redis-server", Redis(redis)
    if shutil.which("g++"):
        yield "g++", Program("g++", "-std=c++17", "-O1", "-c", source, "-o", "/dev/null")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(HERE, "../../../build"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    agent = os.path.join(build, "libotprof.so")
    rounds = max(options.rounds, 3)
    for workload in ("pair", "churn"):
        if options.only in workload:
            print(f"{workload}, in one process:", flush=True)
            subprocess.run([os.path.join(build, "test/bench/heap/paired"), workload,
                            str(rounds * 10)], env=environment("heap", agent), check=True)
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "source.cc")
        with open(source, "w", encoding="utf-8") as out:
            out.write(SOURCE)
        print(f"{'':28} {'bare':>10}    {'off':>6} {'low':>6} {'high':>6}"
              f"   {'heap':>6} {'low':>6} {'high':>6}")
        for name, workload in workloads(build, source):
            if options.only not in name:
                continue
            costs = {setting: [] for setting in SETTINGS}
            for _ in range(rounds):
                for setting in random.sample(SETTINGS, len(SETTINGS)):
                    costs[setting].append(workload.cost(environment(setting, agent)))
            text = f"{name:28} {statistics.median(costs['bare']):8.3f} {workload.unit:2}"
            for setting in ("off", "heap"):
                ratios = [a / b for a, b in zip(costs[setting], costs["bare"])]
                low, middle, high = statistics.quantiles(ratios, n=4)
                text += f"   {middle:6.3f} {low:6.3f} {high:6.3f}"
            print(text, flush=True)


if __name__ == "__main__":
    main()
