# SPDX-License-Identifier: Apache-2.0
"""What the sender makes of every kind of answer, and what its requests look like."""
import gzip

from fault_server import FaultServer, endless, raw, reply
from harness import TransportTest, main

OK = reply(200)


class Requests(TransportTest):
    def test_one_body(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), size=5000)
        self.assert_counts(result, delivered=1, attempts=1, retries=0, bytes_sent=5000)
        self.assertEqual(result["warnings"], [])
        (request,) = server.requests
        self.assertEqual((request.method, request.target, request.version),
                         ("POST", "/v1development/profiles", "HTTP/1.1"))
        self.assertEqual(request.values("Content-Type"), ["application/x-protobuf"])
        self.assertEqual(request.values("Content-Encoding"), [])
        self.assertEqual(request.values("OTLP-Profiles-Development-Version"), ["1"])
        self.assertEqual(request.values("User-Agent"),
                         ["libotprof/1.2.3 OTel-OTLP-Exporter-Cpp/1.2.3"])
        self.assertEqual(request.values("Content-Length"), ["5000"])
        for unwanted in ("Expect", "Cookie", "Authorization", "Transfer-Encoding", "Upgrade"):
            self.assertEqual(request.values(unwanted), [], unwanted)

    def test_gzip_is_announced(self):
        with FaultServer(OK) as server:
            self.run_client(server.url(), gzip=1)
        self.assertEqual(server.requests[0].values("Content-Encoding"), ["gzip"])

    def test_large_body_is_sent_without_asking_first(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), size=8_000_000, queue_bytes=100)
        self.assert_counts(result, delivered=1)
        self.assertEqual(server.requests[0].values("Expect"), [])
        self.assertEqual(len(server.requests[0].body), 8_000_000)

    def test_empty_body(self):
        with FaultServer(OK) as server:
            self.assert_counts(self.run_client(server.url(), size=0), delivered=1)
        self.assertEqual(server.requests[0].values("Content-Length"), ["0"])

    def test_one_connection_for_all(self):
        with FaultServer(OK) as server:
            self.assert_counts(self.run_client(server.url(), bodies=50), delivered=50, attempts=50)
        self.assertEqual(server.connections, 1)
        self.assertEqual(len({request.body for request in server.requests}), 50)

    def test_server_closes_after_each_answer(self):
        with FaultServer(reply(200, close=True)) as server:
            self.assert_counts(self.run_client(server.url(), bodies=5), delivered=5, attempts=5)
        self.assertEqual(server.connections, 5)

    def test_user_headers_path_and_query(self):
        with FaultServer(OK) as server:
            self.run_client(server.url("/a/../b//c?tenant=x"),
                            headers="X-Scope=a%20b,X-Empty=,x-scope=last")
        request = server.requests[0]
        self.assertEqual(request.target, "/a/../b//c?tenant=x")
        self.assertEqual(request.values("X-Scope"), ["last"])
        self.assertEqual(request.values("X-Empty"), [""])

    def test_credentials_in_the_url_are_sent_and_not_shown(self):
        with FaultServer(reply(401)) as server:
            url = server.url("/p?key=s3cret").replace("//", "//user:s3cret@", 1)
            result = self.run_client(url)
        self.assertEqual(server.requests[0].values("Authorization"), ["Basic dXNlcjpzM2NyZXQ="])
        self.assertIn(f"http://127.0.0.1:{server.port}/p refused", result["warnings"][0])
        self.assertNotIn("s3cret", str(result["warnings"]))

    def test_nothing_happens_before_the_first_body(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), bodies=0, run_for=100)
        self.assertEqual(server.connections, 0)
        self.assertEqual(result["environment_reads"], "")

    def test_body_above_the_limit_is_not_sent(self):
        with FaultServer(OK) as server:
            result = self.run_client(server.url(), bodies=3, size=5000, max_body_bytes=4999)
        self.assert_counts(result, dropped_too_large=3, delivered=0)
        self.assertEqual(server.connections, 0)
        self.assertEqual(result["warnings"],
                         ["a window of 5000 bytes is above the limit of 4999 and is dropped"])


class Refusals(TransportTest):
    def test_final_statuses_are_not_retried(self):
        for status in (400, 401, 403, 404, 405, 408, 413, 415, 418, 500, 501, 505, 599):
            with self.subTest(status), FaultServer(reply(status)) as server:
                result = self.run_client(server.url(), bodies=3)
                self.assert_counts(result, dropped_refused=3, delivered=0, attempts=3, retries=0)
                self.assertEqual(len(server.requests), 3)
                self.assertEqual(len(result["warnings"]), 1)
                self.assertIn(f": HTTP {status}", result["warnings"][0])

    def test_reasons(self):
        status = b"\x08\x03\x12\x0ebad dictionary"
        for body, words in ((status, "HTTP 400: bad dictionary"),
                            (b"plain \x1b[31mtext\n", "HTTP 400: plain [31mtext"),
                            (b"x" * 10000, "HTTP 400: " + "x" * 200),
                            (b"\xff" * 100, "HTTP 400")):
            with self.subTest(words), FaultServer(reply(400, body)) as server:
                warning = self.run_client(server.url())["warnings"][0]
                self.assertTrue(warning.endswith(words), warning)

    def test_a_refusal_does_not_hold_up_the_next(self):
        with FaultServer(reply(413), OK) as server:
            result = self.run_client(server.url(), bodies=3)
        self.assert_counts(result, dropped_refused=1, delivered=2)
        self.assertTrue(result["warnings"][1].endswith("again after 0 s, 1 window dropped"))

    def test_redirects_are_not_followed(self):
        with FaultServer(OK) as elsewhere:
            for status in (301, 302, 303, 307, 308):
                target = ("Location", elsewhere.url("/x?token=s3cret"))
                with self.subTest(status), FaultServer(reply(status, headers=[target])) as server:
                    result = self.run_client(server.url())
                    self.assert_counts(result, dropped_refused=1)
                    self.assertTrue(result["warnings"][0].endswith(
                        f"it points to {elsewhere.url('/x')}"), result["warnings"])
            self.assertEqual(elsewhere.connections, 0)


class Successes(TransportTest):
    def test_any_2xx(self):
        for status in (200, 202, 204):
            with self.subTest(status), FaultServer(reply(status)) as server:
                self.assert_counts(self.run_client(server.url()), delivered=1)

    def test_interim_answers(self):
        data = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 60\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with FaultServer(raw(data)) as server:
            self.assert_counts(self.run_client(server.url()), delivered=1, attempts=1)

    def test_partial_success_is_not_retried(self):
        body = b"\x0a\x0b\x08\x03\x12\x07too old"
        with FaultServer(reply(200, body)) as server:
            result = self.run_client(server.url(), bodies=4)
        self.assert_counts(result, delivered=4, attempts=4, rejected_profiles=12)
        self.assertEqual(len(result["warnings"]), 1)
        self.assertTrue(result["warnings"][0].endswith("rejected 3 profiles of a window: too old"))

    def test_remark(self):
        with FaultServer(reply(200, b"\x0a\x06\x12\x04mind")) as server:
            result = self.run_client(server.url())
        self.assert_counts(result, delivered=1, rejected_profiles=0)
        self.assertTrue(result["warnings"][0].endswith("took a window with a remark: mind"))

    def test_compressed_answer(self):
        body = gzip.compress(b"\x0a\x02\x08\x05")
        with FaultServer(reply(200, body, [("Content-Encoding", "gzip")])) as server:
            self.assert_counts(self.run_client(server.url()), delivered=1, rejected_profiles=5)

    def test_something_else_answers_200(self):
        for body in (b"It works!\n", b'{"partialSuccess":{}}', b"\x00" * 100, b"\xff" * 3_000_000):
            with self.subTest(body[:9]), FaultServer(reply(200, body)) as server:
                result = self.run_client(server.url())
                self.assert_counts(result, delivered=1)
                self.assertIn("not as an OTLP receiver does", result["warnings"][0])

    def test_cut_off_behind_the_status_is_not_sent_twice(self):
        for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\x0a",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
                     b"HTTP/1.1 200 OK\r\nContent-Encoding: magic\r\nContent-Length: 4\r\n\r\nnope"):
            with self.subTest(head), FaultServer(raw(head)) as server:
                result = self.run_client(server.url(), run_for=1000)
                self.assert_counts(result, delivered=1, attempts=1)
                self.assertEqual(result["warnings"], [])


class Attacks(TransportTest):
    """No answer may take memory or time, or be asked for again."""

    def check_too_large(self, server, status):
        result = self.run_client(server.url(), bodies=2)
        self.assert_counts(result, dropped_refused=2, delivered=0, attempts=2)
        self.assertIn(f"HTTP {status} with an answer of more than 4 MiB", result["warnings"][0])
        self.assertLess(result["max_rss_kb"], 60_000)
        self.assertLess(result["cpu_ms"], 1000)

    def test_five_megabytes(self):
        for status in (200, 400, 503):
            for chunked in (False, True):
                action = reply(status, bytes(5 << 20), chunked=chunked)
                with self.subTest(status, chunked=chunked), FaultServer(action) as server:
                    self.check_too_large(server, status)

    def test_gzip_bomb(self):
        bomb = gzip.compress(bytes(256 << 20), 9)
        self.assertLess(len(bomb), 300_000)
        with FaultServer(reply(200, bomb, [("Content-Encoding", "gzip")])) as server:
            self.check_too_large(server, 200)

    def test_nested_gzip_bomb(self):
        bomb = gzip.compress(gzip.compress(bytes(256 << 20), 9), 9)
        with FaultServer(reply(200, bomb, [("Content-Encoding", "gzip, gzip")])) as server:
            self.check_too_large(server, 200)

    def test_answer_without_end(self):
        head = b"HTTP/1.1 200 OK\r\n\r\n"
        with FaultServer(endless(head, bytes(65536))) as server:
            self.check_too_large(server, 200)

    def test_headers_without_end(self):
        status = b"HTTP/1.1 200 OK\r\n"
        for head, block, delivered in ((status, b"X: " + b"y" * 5000 + b"\r\n", 1),
                                       (status, b"y" * 5000, 1),
                                       (status, b"Set-Cookie: a=b\r\n" * 500, 1),
                                       (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0)):
            with self.subTest(block[:20]), FaultServer(endless(head, block)) as server:
                result = self.run_client(server.url(), attempts=1)
                self.assert_counts(result, delivered=delivered, attempts=1)
                self.assertLess(result["max_rss_kb"], 60_000)
                self.assertLess(result["cpu_ms"], 500)

    def test_not_http(self):
        http2 = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00"
        for data in (http2, b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"\0" * 99,
                     b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n"):
            with self.subTest(data), FaultServer(raw(data), raw(data), OK) as server:
                result = self.run_client(server.url())
                self.assert_counts(result, delivered=1, attempts=3)
                self.assertIn("cannot deliver to", result["warnings"][0])
        self.assertIn("gRPC port", self.warning_of(http2))

    def warning_of(self, data):
        with FaultServer(raw(data)) as server:
            return self.run_client(server.url(), attempts=1)["warnings"][0]


if __name__ == "__main__":
    main()
