# SPDX-License-Identifier: Apache-2.0
"""test_soak.py [SECONDS [PERCENT]]: many.cc, 64 threads, sampled at 1 kHz with a heap sample every
32 KiB, for SECONDS (20) at PERCENT (60) of one CPU, pushing every second. What its memory is above that of
the program alone stays below OTPROF_MAX_MEMORY, and does not grow once the first third is over (in runs
of five minutes or more: of the whole; in shorter ones: of what it allocates). Every window arrives.

The acceptance run is ten minutes long:   test_soak.py 600
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import paths  # noqa: F401
import harness
from agent_run import ACCOUNT
from decoded import profile_attributes, requests_of
from receiver import AckingServer

MANY = os.environ["MANY"]
BUDGET = 20 << 20


def anonymous_memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Anonymous:\s+(\d+) kB", file.read(), re.M).group(1)) << 10


def watch(seconds, percent, environment):
    """The memory of a run, every half second."""
    process = subprocess.Popen([MANY, str(seconds), str(percent)], env=environment,
                               stderr=subprocess.PIPE)
    seen = []
    while process.poll() is None:
        try:
            seen.append(anonymous_memory(process.pid))
        except (OSError, AttributeError):
            pass
        time.sleep(0.5)
    errors = process.communicate()[1]
    assert (process.returncode, errors) == (5, b""), (process.returncode, errors)
    return seen


def reports_in(requests):
    """What the agent says of itself: in the first request of a window that takes several."""
    attributes = [profile_attributes(next(r.profiles()), r) for r in requests]
    return [report for report in attributes if "otprof.agent.memory" in report]


def main(seconds, percent):
    bare = watch(min(seconds, 10), percent, harness.environment(preload=False))
    alone = statistics.median(bare)
    with tempfile.TemporaryDirectory(prefix="otprof-soak-") as directory, AckingServer() as server:
        log = os.path.join(directory, "log")
        seen = watch(seconds, percent, harness.environment(
            OTPROF_CPU_HZ="1000", OTPROF_HEAP_INTERVAL="32KiB", OTPROF_EXPORT_INTERVAL="1s",
            OTEL_EXPORTER_OTLP_ENDPOINT=server.base(), OTPROF_LOG_LEVEL="info", OTPROF_LOG_FILE=log,
            OTPROF_EXIT_TIMEOUT="30s"))
        with open(log, encoding="utf-8") as file:
            lines = file.read().splitlines()
    account = next(match for line in lines if (match := ACCOUNT.search(line))).groupdict()
    assert account["made"] == account["delivered"], lines
    requests = requests_of(server.accepted)
    assert len(requests) == int(account["made"])
    reports = reports_in(requests)
    samples = sum(len(p.samples) for r in requests for p in r.profiles())
    own = [memory - alone for memory in seen]
    third = len(own) // 3
    middle, last = max(own[third:2 * third]), max(own[2 * third:])
    mib = 1 << 20
    said = [report["otprof.agent.memory"] for report in reports]
    cpu = reports[-1]["otprof.agent.cpu_time"] / 1e9
    print(f"{seconds} s, {len(requests)} requests with {samples} rows; the program alone "
          f"{alone / mib:.1f} MiB; the agent at most {max(own) / mib:.1f} MiB (second third "
          f"{middle / mib:.1f}, last {last / mib:.1f}), by its own account at most "
          f"{max(said) / mib:.1f} MiB; its thread used {cpu / seconds:.2%} of a CPU; "
          f"{max(report.get('otprof.windows.closed_early', 0) for report in reports)} closed early")
    assert max(own) < BUDGET, "above the budget"
    # Its rings are used all around, so they take their memory bit by bit: that ends in a minute or two.
    if seconds >= 300:
        assert len(requests) > 0.8 * seconds, "not a push every second"
        assert last < 1.05 * middle + mib, "it grows"
    third = len(said) // 3
    if third < 2:
        print("too few windows, on this busy machine, to see whether allocations grow")
        return
    assert max(said[2 * third:]) < 1.15 * max(said[third:2 * third]) + mib, "its allocations grow"


def check_small_budget():
    """Ten windows' worth of ever new stacks in a budget for one: windows end early, and nothing is lost."""
    with tempfile.TemporaryDirectory(prefix="otprof-soak-") as directory, AckingServer() as server:
        log = os.path.join(directory, "log")
        watch(8, 60, harness.environment(
            OTPROF_HEAP_INTERVAL="8KiB", OTPROF_MAX_MEMORY="8MiB", OTPROF_EXIT_TIMEOUT="30s",
            OTEL_EXPORTER_OTLP_ENDPOINT=server.base(), OTPROF_LOG_FILE=log))
        with open(log, encoding="utf-8") as file:
            lines = file.read().splitlines()
    reports = reports_in(requests_of(server.accepted))
    most = max(report["otprof.agent.memory"] for report in reports)
    early = reports[-1].get("otprof.windows.closed_early", 0)
    print(f"budget of 8 MiB: {len(reports)} windows, {early} closed early, at most "
          f"{most / (1 << 20):.1f} MiB allocated")
    assert early > 0 and len(reports) >= early, reports[-1]
    assert most < 8 << 20, "above the budget"
    assert len(lines) == 1 and "closed early" in lines[0], lines


if __name__ == "__main__":
    check_small_budget()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20,
         int(sys.argv[2]) if len(sys.argv) > 2 else 60)
