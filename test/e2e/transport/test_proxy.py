# SPDX-License-Identifier: Apache-2.0
"""Proxies come from the configuration alone, and loopback is never sent through one."""
import os
import socket
import threading

from fault_server import FaultServer, reply
from harness import TransportTest, main

OK = reply(200)
# Not looked up here: the proxy gets the name.
COLLECTOR = "http://collector.invalid:4318/v1development/profiles"


def tunnel_to(port):
    """CONNECT, and then bytes both ways."""
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def action(connection, _):
        upstream = socket.create_connection(("127.0.0.1", port))
        connection.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=copy, args=(upstream, connection.socket), daemon=True)
        back.start()
        copy(connection.socket, upstream)
        back.join()
        return False
    return action


class Proxy(TransportTest):
    def test_http(self):
        with FaultServer(OK) as proxy:
            result = self.run_client(COLLECTOR, proxy=proxy.url(""), bodies=3)
        self.assert_counts(result, delivered=3)
        self.assertEqual(proxy.requests[0].target, COLLECTOR)
        self.assertEqual(proxy.requests[0].values("Host"), ["collector.invalid:4318"])
        self.assertEqual(proxy.connections, 1)

    def test_the_environment_is_not_asked(self):
        with FaultServer(OK) as proxy, FaultServer(reply(500)) as wrong:
            names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")
            environment = {**os.environ, **{name: wrong.url("") for name in names},
                           "no_proxy": "*", "NO_PROXY": "*"}
            result = self.run_client(COLLECTOR, environment, proxy=proxy.url(""))
            self.assert_counts(result, delivered=1)
            self.assertEqual(wrong.connections, 0)

    def test_loopback_does_without(self):
        for host in ("127.0.0.1", "localhost", "127.1.2.3"):
            with self.subTest(host), FaultServer(OK) as server, FaultServer(OK) as proxy:
                if host == "127.1.2.3":  # nobody is there, but the proxy would answer
                    result = self.run_client(server.url(host=host), proxy=proxy.url(""), attempts=1)
                    self.assert_counts(result, delivered=0)
                else:
                    result = self.run_client(server.url(host=host), proxy=proxy.url(""))
                    self.assert_counts(result, delivered=1)
                self.assertEqual(proxy.connections, 0)

    def test_credentials(self):
        with FaultServer(reply(407)) as proxy:
            url = proxy.url("").replace("//", "//user:s3cret@", 1)
            result = self.run_client(COLLECTOR, proxy=url)
        self.assertEqual(proxy.requests[0].values("Proxy-Authorization"), ["Basic dXNlcjpzM2NyZXQ="])
        self.assert_counts(result, dropped_refused=1)
        self.assertNotIn("s3cret", str(result["warnings"]))

    def test_own_headers_are_for_the_collector(self):
        with FaultServer(reply(407)) as proxy:
            result = self.run_client(COLLECTOR.replace("http:", "https:"), proxy=proxy.url(""),
                                     headers="authorization=s3cret", attempts=2)
        self.assert_counts(result, queued=1)
        self.assertEqual(proxy.requests[0].method, "CONNECT")
        self.assertEqual(proxy.requests[0].values("Authorization"), [])
        self.assertIn("407", result["warnings"][0])

    def test_tunnel(self):
        # That the peer is not TLS is enough to see that the bytes arrive.
        with FaultServer(OK) as plain, FaultServer(tunnel_to(plain.port)) as proxy:
            result = self.run_client("https://collector.invalid/", proxy=proxy.url(""), attempts=1,
                                     timeout=500)
            self.assert_counts(result, queued=1)
            self.assertEqual(proxy.requests[0].target, "collector.invalid:443")
            self.assertGreaterEqual(plain.connections, 1)

    def test_proxy_is_away(self):
        with FaultServer(listen=False) as proxy:
            result = self.run_client(COLLECTOR, proxy=proxy.url(""), run_for=600)
        self.assert_counts(result, delivered=0, queued=1)
        self.assert_quiet(result, of_ms=600)


if __name__ == "__main__":
    main()
