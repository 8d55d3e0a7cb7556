# SPDX-License-Identifier: Apache-2.0
"""Servers that are away, overloaded or broken for a while, and what is left at exit."""
import email.utils
import time
from unittest.mock import ANY

from fault_server import (FaultServer, hang_up, raw, read_slowly, reply, reset_after, silence)
from harness import TransportTest, main, start_client

OK = reply(200)
# Behind 10 kB of random bytes of which each body has others.
SIZE = 10_000


def http_date(seconds_from_now):
    return lambda: email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


class Flapping(TransportTest):
    def check_repeated(self, *faults, **options):
        """After the faults the very same bytes are delivered, and there is one line each way."""
        with FaultServer(*faults, OK) as server:
            result = self.run_client(server.url(), size=SIZE, bodies=2, **options)
        count = len(faults)
        self.assert_counts(result, delivered=2, attempts=count + 2, retries=count)
        whole = [request.body for request in server.requests if request.body is not None]
        self.assertEqual(len(set(whole)), 2)
        first_attempts = server.requests[: count + 1]
        self.assertEqual(len({str(request.headers) for request in first_attempts}), 1)
        self.assertEqual(len(result["warnings"]), 2, result["warnings"])
        self.assertTrue(result["warnings"][0].endswith("; retrying, 2 windows queued"))
        self.assertIn("again after", result["warnings"][1])
        return result, server

    def test_retryable_statuses(self):
        for status in (429, 502, 503, 504):
            with self.subTest(status):
                result, _ = self.check_repeated(reply(status), reply(status, b"busy"))
                self.assertIn(f"HTTP {status}", result["warnings"][0])

    def test_all_kinds_in_turn(self):
        # On a connection used before libcurl would itself try once more, hence the closing.
        self.check_repeated(reply(502, close=True), hang_up, reply(504, close=True), reset_after(0),
                            reply(503, close=True), raw(b"not http\r\n\r\n"), reply(429))

    def test_reset_in_the_middle_of_the_body(self):
        with FaultServer(reset_after(300_000), reset_after(1), OK) as server:
            result = self.run_client(server.url(), size=3_000_000)
        self.assert_counts(result, delivered=1, attempts=3)
        self.assertEqual(len(server.requests[-1].body), 3_000_000)

    def test_reset_and_closed_without_answer(self):
        self.check_repeated(hang_up, reset_after(0))

    def test_kept_connection_dies_while_idle(self):
        # libcurl finds out when it uses the connection again, and repeats by itself.
        def answer_and_close(connection, request):
            OK(connection, request)
            return False

        with FaultServer(answer_and_close) as server:
            result = self.run_client(server.url(), bodies=4, between=50)
        self.assert_counts(result, delivered=4, attempts=4)

    def test_overflow_drops_the_oldest(self):
        # All bodies are there long before the second attempt.
        with FaultServer(reply(503, headers=[("Retry-After", 1)]), OK) as server:
            result = self.run_client(server.url(), bodies=10, between=20, size=SIZE, queue_windows=4)
        self.assert_counts(result, enqueued=10, delivered=4, dropped_queue_full=6)
        self.assertTrue(result["warnings"][-1].endswith("6 windows dropped"), result["warnings"])
        with FaultServer(OK) as everything:
            self.run_client(everything.url(), bodies=10, size=SIZE)
        self.assertEqual([request.body for request in server.requests[1:]],
                         [request.body for request in everything.requests[6:]])

    def test_overflow_by_bytes(self):
        with FaultServer(reply(503)) as server:
            result = self.run_client(server.url(), bodies=10, size=SIZE, queue_bytes=3 * SIZE + 1,
                                     attempts=1)
        self.assert_counts(result, dropped_queue_full=7, queued=3, queued_bytes=3 * SIZE)


class RetryAfter(TransportTest):
    def pause_after(self, *headers, status=503, **options):
        with FaultServer(reply(status, headers=headers), OK) as server:
            result = self.run_client(server.url(), **options)
        self.assert_counts(result, delivered=1, attempts=2)
        self.assert_quiet(result)
        return server.requests[1].time - server.requests[0].time

    def test_seconds(self):
        for status in (429, 503):
            self.assertGreaterEqual(self.pause_after(("Retry-After", 1), status=status), 1)

    def test_date(self):
        start = time.time()
        date = http_date(2)
        self.assertGreaterEqual(self.pause_after(("retry-after", date)), 0.9)
        self.assertGreaterEqual(time.time(), int(start) + 2)

    def test_zero_and_nonsense_leave_the_backoff(self):
        for value in (0, "soon", "-1", http_date(-100), ""):
            self.pause_after(("Retry-After", value), run_for=5000)

    def test_a_backoff_longer_than_asked_for_holds(self):
        pause = self.pause_after(("Retry-After", 0), first_backoff=600, max_backoff=600)
        self.assertGreaterEqual(pause, 0.3)


class Away(TransportTest):
    def test_refused_then_up(self):
        with FaultServer(listen=False) as server:
            server.actions = [OK]
            process = start_client(server.url(), bodies=3, max_backoff=100, echo=1)
            process.stderr.readline()
            time.sleep(0.7)
            server.listen()
            result = self.finish_client(process, errors=ANY)
        self.assert_counts(result, delivered=3)
        self.assertGreaterEqual(result["retries"], 1)
        self.assertIn("Connection refused; retrying", result["warnings"][0])
        self.assert_quiet(result, of_ms=700)

    def test_backoff_grows_and_varies(self):
        pauses = []
        for _ in range(2):
            with FaultServer(reply(503)) as server:
                result = self.run_client(server.url(), first_backoff=40, max_backoff=400,
                                         run_for=1500)
            self.assert_counts(result, delivered=0, queued=1)
            self.assert_quiet(result, of_ms=1500)
            times = [request.time for request in server.requests]
            pauses.append([b - a for a, b in zip(times, times[1:])])
            base = 0.04
            for pause in pauses[-1]:
                self.assertGreaterEqual(pause, 0.49 * base)
                base = min(0.4, base * 1.5)
            # Each attempt costs a few steps at most.
            self.assertLess(result["steps"], 12 * result["attempts"] + 10)
        shared = list(zip(*pauses))
        self.assertTrue(any(abs(a - b) > 0.05 * a for a, b in shared), pauses)

    def test_accepts_and_never_answers(self):
        with FaultServer(silence, silence, OK) as server:
            result = self.run_client(server.url(), timeout=700, size=SIZE)
        self.assert_counts(result, delivered=1, attempts=3)
        self.assertIn("timed out", result["warnings"][0])
        self.assertEqual(len({request.body for request in server.requests}), 1)
        self.assert_quiet(result, of_ms=1400)

    def test_without_timeout_it_waits(self):
        with FaultServer(silence) as server:
            result = self.run_client(server.url(), timeout=0, run_for=1200)
        self.assert_counts(result, attempts=1, queued=1)
        self.assert_quiet(result, of_ms=1200)

    def test_nobody_takes_the_connection(self):
        # A backlog of one that is full: the kernel leaves further SYNs without an answer.
        with FaultServer(listen=False) as server:
            server.listener.listen(0)
            fill = [start_client(server.url(), timeout=0, run_for=3000) for _ in range(3)]
            time.sleep(0.3)
            result = self.run_client(server.url(), timeout=700, run_for=1500)
            for process in fill:
                process.kill()
                process.communicate()
        self.assert_counts(result, delivered=0, queued=1)
        self.assert_quiet(result, of_ms=1500)

    def test_slow_reader(self):
        with FaultServer(read_slowly(65536, 0.02, then=200)) as server:
            result = self.run_client(server.url(), size=6_000_000, queue_bytes=1 << 30)
        self.assert_counts(result, delivered=1, attempts=1)
        self.assertEqual(len(server.requests[0].body), 6_000_000)
        self.assert_quiet(result, of_ms=1500)

    def test_reader_that_stops(self):
        with FaultServer(read_slowly(1000, 0.1, then=200), OK) as server:
            result = self.run_client(server.url(), size=20_000_000, queue_bytes=1 << 30, timeout=800)
        self.assert_counts(result, delivered=1, attempts=2)
        self.assert_quiet(result, of_ms=800)


class AtExit(TransportTest):
    """finish() with `run_for` so short that nothing has been delivered before."""

    def test_everything_goes_out(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), bodies=50, run_for=0, finish=5000)
        self.assert_counts(result, delivered=50, dropped_at_exit=0)
        self.assertEqual(server.connections, 1)

    def test_a_backoff_is_cut_short(self):
        with FaultServer(reply(503, headers=[("Retry-After", 100)]), OK) as server:
            result = self.run_client(server.url(), bodies=2, run_for=300, finish=5000)
        self.assert_counts(result, delivered=2, dropped_at_exit=0)
        self.assertLess(result["wall_ms"], 4000)

    def test_two_attempts_when_nobody_is_there(self):
        with FaultServer(listen=False) as server:
            result = self.run_client(server.url(), bodies=5, run_for=0, finish=5000)
        self.assert_counts(result, attempts=2, retries=0, dropped_at_exit=5)
        self.assertLess(result["wall_ms"], 4000)
        self.assertEqual(len(result["warnings"]), 1)
        self.assertIn("5 windows not delivered to", result["warnings"][0])
        self.assertIn("Connection refused", result["warnings"][0])

    def test_one_attempt_each_when_answered(self):
        with FaultServer(reply(503)) as server:
            result = self.run_client(server.url(), bodies=5, run_for=0, finish=5000)
        self.assert_counts(result, attempts=5, retries=0, dropped_at_exit=5)

    def test_a_silent_server_costs_the_deadline_and_no_more(self):
        for timeout in (0, 5000):
            with FaultServer(silence) as server:
                result = self.run_client(server.url(), bodies=5, run_for=0, finish=600,
                                         timeout=timeout)
            self.assert_counts(result, attempts=1, dropped_at_exit=5)
            self.assert_quiet(result, of_ms=590)
            self.assertLess(result["wall_ms"], 3000)
            self.assertIn("5 windows not delivered", result["warnings"][-1])

    def test_a_transfer_under_way_is_completed(self):
        def late(connection, request):
            time.sleep(0.4)
            return OK(connection, request)

        with FaultServer(late, OK) as server:
            result = self.run_client(server.url(), bodies=2, run_for=100, finish=5000)
        self.assert_counts(result, delivered=2, attempts=2)

    def test_a_deadline_that_has_passed(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), bodies=3, run_for=0, finish=0)
        self.assert_counts(result, dropped_at_exit=3, attempts=0)


if __name__ == "__main__":
    main()
