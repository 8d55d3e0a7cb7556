# SPDX-License-Identifier: Apache-2.0
"""A program under the agent, watched from outside: what the agent's thread and memory cost, and what
became of every window by the agent's own account."""
import os
import re
import subprocess
import threading
import time

import paths
import harness

ACCOUNT = re.compile(
    r"OTLP requests: (?P<made>\d+) made(?:, (?P<recovered>\d+) of earlier processes)?; "
    r"(?P<delivered>\d+) delivered, (?P<on_disk>\d+) on disk, (?P<queued>\d+) queued, "
    r"(?P<refused>\d+) refused, (?P<queue_full>\d+) dropped for a full queue, "
    r"(?P<spool_full>\d+) for a full disk spool, (?P<too_large>\d+) too large, "
    r"(?P<at_exit>\d+) at exit(?:, (?P<passed_on>\d+) left to other processes)?; "
    r"(?P<retries>\d+) retries")
GONE = ("delivered", "on_disk", "queued", "refused", "queue_full", "spool_full", "too_large", "at_exit",
        "passed_on")


class AgentRun:
    """Runs steady.cc for `seconds` with windows of 100 ms."""

    def __init__(self, directory, name, seconds=2, prefix=(), **variables):
        self.log = os.path.join(directory, name + ".log")
        self.environment = harness.environment(preload=False, **{
            "OTEL_SERVICE_NAME": "faults", "OTPROF_EXPORT_INTERVAL": "100ms",
            "OTPROF_HEAP_INTERVAL": "1", "OTPROF_LOG_LEVEL": "info", "OTPROF_LOG_FILE": self.log,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "400", **variables})
        notes = os.path.join(directory, name + ".notes")
        command = [*prefix, "env", "LD_PRELOAD=" + harness.LIBOTPROF, paths.STEADY, notes, str(seconds)]
        self.thread_cpu = 0.0  # seconds, of the agent's thread
        self.most_memory = 0   # bytes, anonymous memory of the whole process
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        pid = self.process.pid
        while self.process.poll() is None:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                        if file.read().strip() != "otprof":
                            continue
                    with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                        self.thread_cpu = int(file.read().split()[0]) / 1e9
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    memory = re.search(r"RssAnon:\s+(\d+) kB", file.read())
                if memory:
                    self.most_memory = max(self.most_memory, int(memory.group(1)) << 10)
            except OSError:
                pass
            time.sleep(0.02)

    def finish(self):
        """The agent's account, as numbers; the program has ended as it does without the agent."""
        output, errors = self.process.communicate(timeout=100)
        self.wall = time.monotonic() - self.started
        assert (self.process.returncode, output, errors) == (5, b"", b""), \
            (self.process.returncode, output, errors)
        with open(self.log, encoding="utf-8") as file:
            self.lines = file.read().splitlines()
        found = [match for line in self.lines if (match := ACCOUNT.search(line))]
        assert len(found) == 1, self.lines
        account = {name: int(value or 0) for name, value in found[0].groupdict().items()}
        gone = sum(account[name] for name in GONE)
        assert account["made"] + account["recovered"] == gone, account
        return account
