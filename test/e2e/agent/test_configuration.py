# SPDX-License-Identifier: Apache-2.0
"""What the variables do from the outside: a wrong value gives one clear line and the program runs on;
a process without samples, or one that is not to be profiled, is left alone; a receiver that never
answers delays the end by no more than OTPROF_EXIT_TIMEOUT.
"""
import os
import time

import harness

# Half a second of CPU time, then the number of threads and descriptors of the process.
BUSY = """
import os, time
while time.process_time() < 0.5: sum(range(1000))
print('threads', len(os.listdir('/proc/self/task')))
"""
# Too short for a sample at 1 Hz.
IDLE = ["/bin/true"]


def busy(**variables):
    return harness.run(["/usr/bin/python3", "-S", "-E", "-c", BUSY], **variables)


WRONG = {
    "OTPROF_CPU_HZ": ("fast", "100"),
    "OTPROF_EXPORT_INTERVAL": ("0", "60s"),
    "OTPROF_UNWINDER": ("magic", "cfi"),
    "OTPROF_CPU": ("perhaps", "true"),
    "OTPROF_EXPORTERS": ("smoke", "otlp"),
    "OTPROF_MAX_STACK_DEPTH": ("100000", "128"),
    "OTPROF_EXIT_TIMEOUT": ("-1s", "1s"),
    "OTPROF_MAX_CPU_PERCENT": ("1%", "1"),
    "OTPROF_MAX_SAMPLE_LATENCY": ("1", "1ms"),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("brotli", "gzip"),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("soon", "10000"),
}


def test_each_wrong_value_gives_one_clear_line(directory):
    for name, (value, instead) in WRONG.items():
        variables = {"OTPROF_EXPORTERS": "pprof", "OTPROF_PPROF_DIR": directory, name: value}
        if name == "OTPROF_EXPORTERS":
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
        result = harness.run(["echo", "runs on"], **variables)
        assert result.returncode == 0 and result.stdout == b"runs on\n", result
        lines = result.stderr.decode().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("otprof: warning: "), lines
        for part in (name, value, instead):
            assert part in lines[0], (part, lines)


def test_five_wrong_values_give_five_lines(directory):
    names = list(WRONG)[:4] + ["OTEL_EXPORTER_OTLP_COMPRESSION"]
    variables = {name: WRONG[name][0] for name in names}
    result = harness.run(["sh", "-c", "echo out; exit 3"], OTPROF_EXPORTERS="pprof",
                         OTPROF_PPROF_DIR=directory, **variables)
    assert result.returncode == 3 and result.stdout == b"out\n", result
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 5 and all(line.startswith("otprof: warning: ") for line in lines), lines
    assert all(any(name in line for line in lines) for name in names), lines


def test_right_values_say_nothing(directory):
    result = harness.run(["echo", "out"], OTPROF_CPU_HZ="10000", OTPROF_EXPORT_INTERVAL="1m",
                         OTPROF_UNWINDER="FP", OTPROF_CPU="True", OTPROF_EXPORTERS=" pprof , otlp ",
                         OTPROF_MAX_STACK_DEPTH="1", OTPROF_LOG_LEVEL="",
                         OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTPROF_EXIT_TIMEOUT="0",
                         OTPROF_PPROF_DIR=directory)
    assert result.stdout == b"out\n" and result.stderr == b"", result


def test_no_samples_no_connection(_):
    with harness.Receiver() as receiver:
        result = harness.run(IDLE, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_CPU_HZ="1")
        assert result.returncode == 0 and result.stderr == b"", result
    assert receiver.connections == 0


def test_short_process_without_samples_prepares_no_delivery(_):
    quiet = {"OTPROF_LOG_LEVEL": "info", "OTPROF_CPU_HZ": "1", "OTPROF_HEAP": "false",
             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    result = harness.run(IDLE, **quiet)
    assert b"CPU is sampled" in result.stderr and b"OTLP requests" not in result.stderr, result
    # What is wrong is told all the same.
    result = harness.run(IDLE, **{**quiet, "OTEL_RESOURCE_ATTRIBUTES": "a"})
    assert b"OTEL_RESOURCE_ATTRIBUTES is not accepted" in result.stderr, result
    # As is the end of one that has lived for longer.
    result = harness.run(["/usr/bin/python3", "-S", "-E", "-c", "import time; time.sleep(0.5)"],
                         **quiet)
    assert b"OTLP requests: " in result.stderr, result


def test_spool_without_otlp_is_told(directory):
    result = harness.run(IDLE, OTPROF_SPOOL_DIR=directory, OTPROF_EXPORTERS="none",
                         OTPROF_CPU_HZ="1")
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1 and "OTPROF_SPOOL_DIR" in lines[0] and "OTPROF_EXPORTERS" in lines[0]


def test_samples_do_connect(_):
    with harness.Receiver() as receiver:
        result = busy(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_EXIT_TIMEOUT="30s")
        assert result.stderr == b"", result
    assert receiver.connections >= 1 and receiver.requests


def test_switched_off_leaves_no_trace(directory):
    for variables in ({"OTEL_SDK_DISABLED": "TRUE"}, {"OTPROF_ENABLED": "false"},
                      {"OTPROF_ONLY": "java,node*"}):
        with harness.Receiver() as receiver:
            result = busy(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_EXPORTERS="otlp,pprof",
                          OTPROF_PPROF_DIR=directory, OTPROF_EXPORT_INTERVAL="100ms", **variables)
        assert result.stdout == b"threads 1\n", (variables, result)
        assert result.stderr == b"" and receiver.connections == 0, (variables, result)
        assert os.listdir(directory) == [], variables


def test_only_takes_globs(directory):
    result = busy(OTPROF_ONLY="java, pyth*", OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=directory)
    assert result.stdout == b"threads 2\n" and result.stderr == b"", result
    assert harness.pprof_files(directory)


def test_silent_receiver_delays_the_end_no_longer_than_agreed(_):
    with harness.Receiver(silent=True) as receiver:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTPROF_CPU_HZ": "1000"}
        before = time.monotonic()
        result = busy(OTPROF_EXIT_TIMEOUT="0ms", **variables)
        at_once = time.monotonic() - before
        assert result.returncode == 0, result
        before = time.monotonic()
        result = busy(OTPROF_EXIT_TIMEOUT="3s", **variables)
        later = time.monotonic() - before
        assert result.returncode == 0 and result.stdout == b"threads 2\n", result
        own = result.stderr.decode().splitlines()
        assert all(line.startswith("otprof: warning: ") for line in own) and len(own) <= 1, own
    # Ten times the timeout would be a receiver waited for; what else runs here cannot take so long.
    assert later < 30, (at_once, later)


def test_refused_connection_is_told_when_it_begins_and_at_the_end(_):
    result = busy(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTPROF_EXPORT_INTERVAL="100ms",
                  OTPROF_CPU_HZ="1000")
    assert result.returncode == 0 and result.stdout == b"threads 2\n", result
    own = result.stderr.decode().splitlines()
    assert all(line.startswith("otprof: warning: cannot deliver") for line in own[:1]), own
    assert all("not delivered" in line and "before exit" in line for line in own[1:]), own
    assert len(own) == 2, own


def test_unwritable_directory_is_told_once(directory):
    file = os.path.join(directory, "file")
    with open(file, "w", encoding="utf-8"):
        pass
    result = busy(OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=os.path.join(file, "below"),
                  OTPROF_EXPORT_INTERVAL="100ms", OTPROF_CPU_HZ="1000")
    assert result.returncode == 0 and result.stdout == b"threads 2\n", result
    own = result.stderr.decode().splitlines()
    assert len(own) == 1 and file in own[0] and own[0].startswith("otprof: warning: "), own


harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
