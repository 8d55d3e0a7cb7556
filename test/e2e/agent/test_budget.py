# SPDX-License-Identifier: Apache-2.0
"""What the profiler costs: OTPROF_MAX_CPU_PERCENT, OTPROF_SAMPLING=adaptive and
OTPROF_MAX_SAMPLE_LATENCY, and that each profile says what came of them. How true profiles stay when
rates change is test/truth/cpu/changing_rates.py's."""
import os

import harness

from messages import otlp  # noqa: E402: harness has set the path
from otlp_request import Request

SHARES = os.environ["SHARES"]
MILLISECONDS = 2500  # of CPU time in each of two threads: two judgements at least
# Allocates for so long that a budget is judged some times.
ALLOCATING = """
import time
while time.process_time() < 4: [str(i) for i in range(1000)]
print(0)
"""


class Run:
    """A program, one window for all of it; the profile of one of its types."""

    def __init__(self, command=(SHARES, str(MILLISECONDS)), kind="samples", **variables):
        with harness.Receiver() as receiver:
            result = harness.run(
                command, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                OTPROF_EXIT_TIMEOUT="30s", OTPROF_EXPORT_INTERVAL="10m",
                **{"OTPROF_HEAP": "false", **variables})
        assert result.returncode == 0, result
        self.lines = result.stderr.decode().splitlines()
        self.used = sum(int(number) for number in result.stdout.split())
        (_, _, body), = receiver.requests
        request = Request(otlp.ExportProfilesServiceRequest.FromString(body))
        profile = next(p for p in request.profiles() if request.type_pair(p.sample_type)[0] == kind)
        self.attributes = {key: value
                           for key, (_, value) in request.attributes(profile.attribute_indices)}
        self.sum = sum(sum(sample.values) or len(sample.timestamps_unix_nano)
                       for sample in profile.samples)
        self.nanoseconds = self.sum * profile.period

    def __getitem__(self, name):
        return self.attributes["otprof." + name]


def test_a_budget_lowers_a_rate_and_says_so_once(_):
    run = Run(OTPROF_CPU_HZ="10000", OTPROF_MAX_CPU_PERCENT="0.5")
    assert len(run.lines) == 1 and "OTPROF_CPU_HZ asks for more than OTPROF_MAX_CPU_PERCENT=0.5 " \
        "allows" in run.lines[0], run.lines
    assert run["cpu.period"] >= 3 * 100_000, run.attributes
    assert run["cpu.period.reason"] == "OTPROF_MAX_CPU_PERCENT", run.attributes
    assert run["cpu.period.changes"] >= 1, run.attributes
    # Fewer samples for as many periods, and those for all of the time.
    assert run["samples.taken"] < 0.8 * run.sum, (run.attributes, run.sum)
    assert abs(run.nanoseconds / run.used - 1) < 0.1, (run.nanoseconds, run.used)


def test_what_it_costs_is_said(_):
    run = Run(OTPROF_CPU_HZ="1000", OTPROF_HEAP="true", OTPROF_HEAP_INTERVAL="4KiB",
              OTPROF_MAX_CPU_PERCENT="100")
    assert run.lines == [], run.lines
    assert run["cpu.period"] == 1_000_000 and run["cpu.period.changes"] == 0, run.attributes
    assert run["cpu.period.reason"] == "as configured", run.attributes
    # A signal takes more than a microsecond, and no sample takes 100.
    assert 1e-6 < run["agent.cpu_samples_time"] / 1e9 / run["samples.taken"] < 1e-4, run.attributes
    assert 0 <= run["agent.heap_samples_time"] < run.used / 10, run.attributes
    assert run["process.cpu_time"] > 0.99 * run.used, run.attributes
    assert 0 < run["agent.cost"] < 200_000, run.attributes


def test_the_default_rate_is_within_the_default_budget(_):
    run = Run(OTPROF_MAX_CPU_PERCENT="1")
    assert run.lines == [], run.lines
    assert run["cpu.period"] == 10_000_000 and run["cpu.period.changes"] == 0, run.attributes


def test_a_budget_raises_the_interval_of_the_heap(_):
    run = Run(["/usr/bin/python3", "-S", "-c", ALLOCATING], "alloc_space", PYTHONMALLOC="malloc",
              OTPROF_CPU="false", OTPROF_HEAP="true", OTPROF_HEAP_INTERVAL="16KiB",
              OTPROF_MAX_CPU_PERCENT="0.5")
    assert len(run.lines) == 1 and "OTPROF_HEAP_INTERVAL asks for more" in run.lines[0], run.lines
    assert run["heap.interval"] >= 2 * 16384, run.attributes
    # Before the interval is raised, there may be more samples than the ring holds
    # until the next visit of a busy machine: they are counted.
    assert run["samples.lost"] < 0.01 * run["samples.taken"], run.attributes
    # Thousands of samples.
    assert abs(run.sum / run["heap.allocated.bytes"] - 1) < 0.1, (run.sum, run.attributes)


def test_every_allocation_is_every_allocation(_):
    run = Run(["/usr/bin/python3", "-S", "-c", ALLOCATING], "alloc_space", PYTHONMALLOC="malloc",
              OTPROF_CPU="false", OTPROF_HEAP="true", OTPROF_HEAP_INTERVAL="1",
              OTPROF_HEAP_LIVE="false", OTPROF_MAX_CPU_PERCENT="0.5")
    assert run["heap.interval"] == 1, run.attributes


def test_adaptive(_):
    run = Run(OTPROF_SAMPLING="adaptive", OTPROF_CPU_HZ="1000")
    assert run.lines == [], run.lines
    assert run["cpu.period.reason"] == "OTPROF_SAMPLING=adaptive", run.attributes
    # Two threads: as configured, or half of it, by how many CPUs they are given.
    assert run["cpu.period"] in (1_000_000, 2_000_000), run.attributes
    assert abs(run.nanoseconds / run.used - 1) < 0.1, (run.nanoseconds, run.used)


def test_slow_samples_are_counted_and_make_stacks_shorter(_):
    # The slowest way to walk a stack, and stacks of more than 30 frames.
    run = Run(OTPROF_CPU_HZ="200", OTPROF_UNWINDER="libunwind", OTPROF_MAX_SAMPLE_LATENCY="10us",
              OTPROF_MAX_STACK_DEPTH="50", OTPROF_LOG_LEVEL="info")
    assert run["samples.slow"] >= 3, run.attributes
    assert run["stack_ends.depth_limit"] > 0, run.attributes
    assert any("stacks are now kept to a depth of 25: samples took longer than "
               "OTPROF_MAX_SAMPLE_LATENCY" in line for line in run.lines), run.lines
    patient = Run(OTPROF_CPU_HZ="200", OTPROF_UNWINDER="libunwind", OTPROF_MAX_SAMPLE_LATENCY="1s",
                  OTPROF_MAX_STACK_DEPTH="50")
    assert "otprof.samples.slow" not in patient.attributes, patient.attributes
    assert "otprof.stack_ends.depth_limit" not in patient.attributes, patient.attributes


harness.main(globals())
