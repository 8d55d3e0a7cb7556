# SPDX-License-Identifier: Apache-2.0
"""Runs sender_client and checks what holds for every run, whatever the server does."""
import fcntl
import json
import os
import subprocess
import sys
import termios
import unittest

CLIENT = os.environ.get("SENDER_CLIENT", "")
# What libcurl and c-ares look up by themselves; transport/curl_library.h says what it means.
KNOWN_READS = {"SSLKEYLOGFILE", "LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"}
SKIPPED = 77


def start_client(url, environment=None, terminal=None, **options):
    """`terminal`: the descriptor of one that is to be the client's controlling terminal."""
    settings = {"url": url, "timeout": 5000, "first_backoff": 10, "max_backoff": 40, **options}
    arguments = [f"{name}={value}" for name, value in settings.items()]
    take_terminal = None
    if terminal is not None:
        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    return subprocess.Popen([CLIENT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL if terminal is None else terminal,
                            env=environment, start_new_session=True, preexec_fn=take_terminal)


class TransportTest(unittest.TestCase):
    def run_client(self, url, environment=None, **options):
        return self.finish_client(start_client(url, environment, **options))

    def finish_client(self, process, errors=b""):
        """The client's counters, after the checks that no server may make fail."""
        try:
            output, shown = process.communicate(timeout=50)
        finally:
            process.kill()
        self.assertEqual((process.returncode, shown), (0, errors))
        result = json.loads(output)
        dropped = sum(value for name, value in result.items() if name.startswith("dropped_"))
        self.assertEqual(result["enqueued"], result["delivered"] + dropped + result["queued"], result)
        self.assertEqual((result["signal_changes"], result["pending_signals"]), (0, 0))
        self.assertEqual(result["exit_handlers"], 0)
        self.assertEqual(result["threads"], 1)
        self.assertLessEqual(set(result["environment_reads"].split()), KNOWN_READS)
        for line in result["warnings"]:
            self.assertLess(len(line), 600)
            self.assertTrue(line.isascii() and line.isprintable(), line)
        return result

    def assert_quiet(self, result, of_ms=0):
        """It waited and did not spin: a loop would take all of the time it waited."""
        self.assertGreaterEqual(result["wall_ms"], of_ms)
        self.assertLess(result["cpu_ms"], 50 + 0.05 * result["wall_ms"], result)

    def assert_counts(self, result, **expected):
        self.assertEqual({name: result[name] for name in expected}, expected, result["warnings"])


def main():
    if not CLIENT:
        sys.exit("SENDER_CLIENT does not name the test client")
    unittest.main(warnings="ignore")
