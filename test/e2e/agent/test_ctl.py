# SPDX-License-Identifier: Apache-2.0
"""What `otprof ctl` can do to a running process, and who cannot.

Environment: what harness.py wants, OTPROF (the command).
"""
import os
import pwd
import shutil
import socket
import subprocess
import time

import harness

OTPROF = os.environ["OTPROF"]
# Busy until its input ends; a forked child on request.
BUSY = """
import os, select, sys
child = os.fork() if 'fork' in sys.argv else None
if child: print(child, flush=True)
while not select.select([0], [], [], 0)[0]: sum(range(20000))
"""


class Process:
    def __init__(self, *arguments, **variables):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-S", "-E", "-c", BUSY, *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=harness.environment(OTPROF_CPU_HZ="500", OTPROF_CONTROL="true", **variables))
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdin = None
        self.errors = self.process.communicate(timeout=60)[1]


def ctl(*words, command=(OTPROF,)):
    command = [*command, "ctl", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def until_answered(pid):
    for _ in range(200):
        result = ctl(pid, "status")
        if result.returncode == 0:
            return dict(line.split(" ", 1) for line in result.stdout.splitlines())
        time.sleep(0.1)
    raise AssertionError(result)


def samples(pid):
    return int(until_answered(pid)["cpu.samples"])


def test_a_process_does_what_it_is_told(directory):
    with harness.Receiver() as receiver, Process(
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_SERVICE_NAME="asked") as busy:
        status = until_answered(busy.pid)
        assert status["state"] == "running" and status["service"] == "asked", status
        assert status["cpu.hz"] == "500" and status["cpu.engine"] in ("sigtrap", "perf", "timer")
        listed = ctl().stdout.splitlines()
        assert any(line.split() == [str(busy.pid), "python3"] for line in listed), listed
        assert ctl(busy.pid, "stop").returncode == 0
        stopped = samples(busy.pid)
        time.sleep(1)
        assert samples(busy.pid) == stopped and until_answered(busy.pid)["state"] == "stopped"
        assert ctl(busy.pid, "start").returncode == 0
        assert ctl(busy.pid, "cpu-hz", 50).returncode == 0
        assert until_answered(busy.pid)["cpu.hz"] == "50"
        assert ctl(busy.pid, "heap-interval", 4096).returncode == 0
        assert until_answered(busy.pid)["heap.interval"] == "4096"
        time.sleep(1)
        assert samples(busy.pid) > stopped
        before = len(receiver.requests)
        assert ctl(busy.pid, "flush").returncode == 0
        assert len(receiver.requests) > before
        time.sleep(0.5)
        # A name without a directory is of the directory `otprof ctl` is called in.
        result = subprocess.run([OTPROF, "ctl", str(busy.pid), "snapshot", "cpu", "now.pb.gz"],
                                cwd=directory, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result
        assert harness.read_pprof(os.path.join(directory, "now.pb.gz")).sample
    assert busy.process.returncode == 0 and busy.errors == "", busy.errors


def test_what_cannot_be_done_is_told(directory):
    with Process(OTPROF_EXPORTERS="none") as busy:
        until_answered(busy.pid)
        for words, part in ((("dance",), "there is status, start"), (("cpu-hz", 0), "1 to 10000"),
                            (("snapshot", "cpu", "/proc/none"), "log says why")):
            result = ctl(busy.pid, *words)
            assert result.returncode == 1 and part in result.stderr, result
            assert result.stderr.count("\n") == 1, result
        assert ctl(busy.pid).returncode == 2
    assert "snapshot not written" in busy.errors, busy.errors
    result = ctl(os.getpid(), "status")
    assert result.returncode == 1 and "OTPROF_CONTROL=true" in result.stderr, result
    assert ctl(2**22 - 1, "status").returncode == 1
    assert ctl("me", "status").returncode == 2


def test_children_answer_for_themselves(_):
    with Process("fork", OTPROF_EXPORTERS="none") as busy:
        child = int(busy.process.stdout.readline())
        assert ctl(busy.pid, "stop").returncode in (0, 1)
        until_answered(child)
        until_answered(busy.pid)
        assert ctl(busy.pid, "stop").returncode == 0
        assert until_answered(child)["state"] == "running"
        assert until_answered(busy.pid)["state"] == "stopped"


def test_others_may_not_ask(directory):
    if os.geteuid() != 0:
        raise harness.Skip("needs root to become another user")
    with Process(OTPROF_EXPORTERS="none") as busy:
        until_answered(busy.pid)
        nobody = str(pwd.getpwnam("nobody").pw_uid)
        os.chmod(directory, 0o755)  # where the command is may be closed to others
        result = ctl(busy.pid, "stop", command=(
            "setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups",
            shutil.copy(OTPROF, directory)))
        assert result.returncode == 1 and "another user" in result.stderr, result
        assert until_answered(busy.pid)["state"] == "running"


def test_silent_and_endless_callers_do_no_harm(_):
    with Process(OTPROF_EXPORTERS="none") as busy:
        until_answered(busy.pid)
        with open("/proc/net/unix", encoding="utf-8") as file:
            names = {line.split("@", 1)[1].strip() for line in file if "@otprof/" in line}
        callers = []
        for name in names:
            for text in (b"x" * 100_000, b"", b"", b"", b""):
                caller = socket.socket(socket.AF_UNIX)
                caller.settimeout(20)
                caller.connect("\0" + name)
                try:
                    caller.sendall(text)
                except OSError:
                    pass  # it did not have to listen to all of that
                callers.append(caller)
        # They are given up after five seconds.
        began = time.monotonic()
        until_answered(busy.pid)
        assert time.monotonic() - began < 60
        for caller in callers:
            caller.close()
    assert busy.process.returncode == 0 and busy.errors == "", busy.errors


def test_nobody_listens_unless_asked_to(_):
    with Process(OTPROF_EXPORTERS="none", OTPROF_ENABLED="false") as busy:
        time.sleep(0.5)
        assert ctl(busy.pid, "status").returncode == 1


harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
