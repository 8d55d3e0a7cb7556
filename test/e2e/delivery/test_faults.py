# SPDX-License-Identifier: Apache-2.0
"""The agent in a program, with windows of 100 ms, at receivers and disks that fail in every way they
can. In each case, with a spool directory and without: windows delivered + on disk + dropped, by reason,
are the windows made; what the receiver has and what the directory holds is what the agent says;
memory is within bounds, and the agent's thread does not spin.
"""
import concurrent.futures
import email.utils
import gzip
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import paths  # noqa: F401
from agent_run import AgentRun
from certificates import Authority, context
from decoded import requests_of, without_repeats
from fault_server import hang_up, raw, read_slowly, reply, reset_after, silence
from receiver import AckingServer

MOST_MEMORY = 24 << 20


def always(action):
    return lambda number: action


def now_and_then(action, every=2):
    return lambda number: action if number % every == 0 else None


def http_date(seconds_from_now):
    return lambda: email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


def bomb():
    body = gzip.compress(bytes(200 << 20), 9)
    return reply(200, body, headers=[("Content-Encoding", "gzip")], close=True)


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="otprof-faults-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        # What the agent costs when nothing is wrong, to compare with.
        with AckingServer() as server:
            run = AgentRun(cls.directory, "healthy", OTEL_EXPORTER_OTLP_ENDPOINT=server.base())
            account = run.finish()
        assert account["made"] == account["delivered"] == len(server.accepted), account
        assert account["made"] > 5, account
        cls.healthy_cpu = run.thread_cpu / run.wall
        print(f"{'healthy':40} {run.thread_cpu / run.wall:6.1%} CPU {run.most_memory >> 20:3d} MiB "
              f"{account}")

    def spool_of(self, name):
        return os.path.join(self.directory, name + ".spool")

    def check_run(self, run, name, server=None, spool=None):
        account = run.finish()
        print(f"{name:40} {run.thread_cpu / run.wall:6.1%} CPU {run.most_memory >> 20:3d} MiB "
              f"{ {key: value for key, value in account.items() if value} }")
        if server is not None:
            arrived, _ = without_repeats(requests_of(server.accepted))
            self.assertEqual(account["delivered"], len(arrived))
        if spool is not None and os.path.isdir(spool):
            self.assertEqual(account["on_disk"], len(os.listdir(spool)))
        self.assertGreater(account["made"], 5)
        self.assertLess(run.most_memory, MOST_MEMORY)
        # A loop would use up all it can get.
        self.assertLess(run.thread_cpu / run.wall, 2 * self.healthy_cpu + 0.1)
        return account

    def run_both(self, name, behave=None, url=None, tls=None, seconds=2, **variables):
        """Accounts without and with a spool."""
        def one(spool):
            full_name = name + (" spool" if spool else "")
            options = dict(variables)
            if spool:
                options["OTPROF_SPOOL_DIR"] = spool
            with AckingServer(behave, tls=tls) as server:
                options.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", url or server.base())
                run = AgentRun(self.directory, full_name, seconds, **options)
                return self.check_run(run, full_name, server, spool)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, [None, self.spool_of(name)]))

    def assert_all(self, accounts, *names):
        for account, name in zip(accounts, names):
            self.assertEqual(account[name], account["made"], account)

    def test_refused_connections(self):
        accounts = self.run_both("refused", url="http://127.0.0.1:9")
        self.assert_all(accounts, "at_exit", "on_disk")

    def test_name_that_does_not_exist(self):
        accounts = self.run_both("name", url="http://no.such.host.invalid:4318")
        self.assert_all(accounts, "at_exit", "on_disk")

    def test_queue_is_bounded(self):
        account, _ = self.run_both("queue", url="http://127.0.0.1:9", OTPROF_QUEUE_SIZE="4")
        # The one that is being tried may come on top.
        self.assertIn(account["at_exit"], (4, 5))
        self.assertEqual(account["queue_full"], account["made"] - account["at_exit"])

    def test_spool_is_bounded(self):
        _, account = self.run_both("full spool", url="http://127.0.0.1:9", seconds=5,
                                   OTPROF_SPOOL_MAX="64KiB", OTEL_EXPORTER_OTLP_COMPRESSION="none")
        self.assertGreater(account["spool_full"], 3)
        self.assertGreater(account["on_disk"], 3)
        spool = self.spool_of("full spool")
        self.assertLessEqual(sum(os.path.getsize(f"{spool}/{f}") for f in os.listdir(spool)), 64 << 10)

    def test_outage_of_an_hour_of_windows(self):
        """60 windows, one an hour's minute each; then the receiver is back, and another process, too."""
        spool = self.spool_of("hour")
        with AckingServer(listen=False) as server:
            options = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.base(), "OTPROF_SPOOL_DIR": spool}
            account = self.check_run(AgentRun(self.directory, "hour", 9, **options), "hour", server,
                                     spool)
            self.assertGreater(account["made"], 60)
            self.assertEqual(account["on_disk"], account["made"])
            server.listen()
            after = self.check_run(AgentRun(self.directory, "hour after", **options), "hour after",
                                   server, spool)
        self.assertEqual(after["recovered"], account["made"])
        self.assertEqual(after["delivered"], account["made"] + after["made"])
        starts = [next(r.profiles()).time_unix_nano for r in requests_of(server.accepted)]
        self.assertEqual(starts, sorted(starts), "not the oldest first")

    def test_comes_back_while_the_program_runs(self):
        with AckingServer(listen=False) as server:
            timer = threading.Timer(1.5, server.listen)
            timer.start()
            run = AgentRun(self.directory, "back", 5, OTEL_EXPORTER_OTLP_ENDPOINT=server.base())
            account = self.check_run(run, "back", server)
        self.assertEqual(account["delivered"], account["made"])
        self.assertTrue(any("again after" in line for line in run.lines), run.lines)

    def test_statuses_that_are_final(self):
        for status in (400, 401, 403, 404, 413, 500, 501):
            with self.subTest(status):
                accounts = self.run_both(f"status {status}", always(reply(status)), seconds=1)
                self.assert_all(accounts, "refused", "refused")

    def test_statuses_that_pass(self):
        for status in (429, 502, 503, 504):
            with self.subTest(status):
                accounts = self.run_both(f"flapping {status}", now_and_then(reply(status)), seconds=4)
                for account in accounts:
                    self.assertGreater(account["delivered"], 0)
                    self.assertEqual(account["refused"], 0)

    def test_retry_after(self):
        for form, value in (("seconds", "1"), ("date", http_date(2)), ("for ever", "100000")):
            with self.subTest(form):
                behave = lambda number: reply(429, headers=[("Retry-After", value)]) \
                    if number == 0 else None
                accounts = self.run_both(f"retry after, {form}", behave, seconds=4)
                # The exit cuts the longest pause short; with a spool there is no need to.
                self.assertEqual(accounts[0]["delivered"], accounts[0]["made"])
                if form == "for ever":
                    self.assertEqual(accounts[1]["on_disk"], accounts[1]["made"])

    def test_slow_reader(self):
        self.run_both("slow reader", always(read_slowly(30, 0.05, 200)), seconds=3)

    def test_never_answers(self):
        self.run_both("never answers", always(silence), OTPROF_EXIT_TIMEOUT="700ms")

    def test_broken_connections(self):
        for name, action in (("reset at once", reset_after(0)), ("reset in the body", reset_after(400)),
                             ("hangs up", hang_up), ("no HTTP", raw(b"\0" * 100))):
            with self.subTest(name):
                accounts = self.run_both(name, now_and_then(action, 3), seconds=3)
                self.assertGreater(accounts[0]["delivered"] + accounts[1]["delivered"], 0)

    def test_answers_that_are_bombs(self):
        accounts = self.run_both("bomb", always(bomb()), seconds=2)
        for account in accounts:
            self.assertGreater(account["refused"], 0)
            self.assertEqual(account["delivered"], 0)

    def test_wrong_certificate(self):
        files = Authority(self.directory, "ours").issue("server", "IP:127.0.0.1")
        accounts = self.run_both("certificate", tls=context(files))
        self.assert_all(accounts, "at_exit", "on_disk")

    def test_spool_directory_that_cannot_be_used(self):
        for path in ("/proc/otprof-spool", os.path.join(self.directory, "healthy.log")):
            with AckingServer() as server:
                run = AgentRun(self.directory, "no spool", OTPROF_SPOOL_DIR=path,
                               OTEL_EXPORTER_OTLP_ENDPOINT=server.base())
                account = self.check_run(run, "no spool", server)
            self.assertEqual(account["delivered"], account["made"])
            warned = [line for line in run.lines if "OTPROF_SPOOL_DIR cannot be used" in line]
            self.assertEqual(len(warned), 1, run.lines)
            os.remove(run.log)

    def test_full_disk(self):
        small = os.path.join(self.directory, "small")
        os.mkdir(small)
        mount = f'mount -t tmpfs -o size=24k none {small} && exec "$@"'
        prefix = ["unshare", "-rm", "sh", "-c", mount, "sh"]
        if subprocess.run([*prefix, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no file system may be mounted here")
        for is_up in (False, True):
            name = f"full disk, {'up' if is_up else 'down'}"
            with AckingServer(listen=is_up) as server:
                run = AgentRun(self.directory, name, 3, prefix=prefix,
                               OTEL_EXPORTER_OTLP_ENDPOINT=server.base(),
                               OTEL_EXPORTER_OTLP_COMPRESSION="none",
                               OTPROF_SPOOL_DIR=os.path.join(small, "spool"))
                account = self.check_run(run, name, server)
            if is_up:
                self.assertEqual(account["delivered"], account["made"])
            else:
                self.assertGreater(account["on_disk"], 0)
                self.assertGreater(account["at_exit"], 0)
                warned = [line for line in run.lines if "windows wait in memory until" in line]
                self.assertEqual(len(warned), 1, run.lines)


def main():
    if shutil.which("openssl") is None:
        print("SKIP: no openssl command to make certificates with")
        raise SystemExit(77)
    unittest.main(warnings="ignore")


if __name__ == "__main__":
    main()
