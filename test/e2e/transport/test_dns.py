# SPDX-License-Identifier: Apache-2.0
"""Host names that do not resolve, or only in a while, with a name server of our own.

The resolver knows only port 53 of /etc/resolv.conf's servers, so this runs itself again in a network
and mount namespace where it may have both. Nothing leaves the machine, or even this namespace.
"""
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from unittest.mock import ANY

from fault_server import FaultServer, reply
from harness import SKIPPED, TransportTest, main, start_client

INSIDE = "OTPROF_DNS_TEST_INSIDE"
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
TYPE_A = 1


class NameServer:
    """Answers by the first label of the name: a response code, an address, silence, nonsense."""

    def __init__(self):
        self.queries = []
        self.codes = {"servfail": SERVFAIL, "refused": REFUSED, "nxdomain": NXDOMAIN}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            length = packet[12]
            label = packet[13:13 + length].decode()
            self.queries.append(label)
            for answer in self._answers(packet, label):
                self.socket.sendto(answer, peer)

    def _answers(self, packet, label):
        if label == "silent":
            return []
        if label == "nonsense":
            return [os.urandom(60), b"", packet[:2], packet[:12] + b"\xff" * 300]
        if label == "loop":  # a compressed name that points to itself
            return [packet[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + b"\xc0\x0c" * 20]
        if label in self.codes:
            return [self._answer(packet, self.codes[label])]
        return [self._answer(packet, NOERROR, b"\x7f\x00\x00\x01")]

    def _answer(self, packet, code, address=None):
        end = packet.index(b"\0", 12) + 5
        question, (kind,) = packet[12:end], struct.unpack("!H", packet[end - 4:end - 2])
        records = b""
        if address and kind == TYPE_A:
            records = b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, 1, 0, 4) + address
        header = struct.pack("!HHHHHH", 0x8180 | code, 1, 1 if records else 0, 0, 0, 0)[:10]
        return packet[:2] + header + question + records


class Dns(TransportTest):
    @classmethod
    def setUpClass(cls):
        cls.names = NameServer()

    def url(self, label, port=4318):
        return f"http://{label}.collector.invalid:{port}/v1development/profiles"

    def test_found(self):
        with FaultServer(reply(200)) as server:
            result = self.run_client(self.url("there", server.port), bodies=3)
        self.assert_counts(result, delivered=3, attempts=3)
        self.assertEqual(server.connections, 1)

    def test_not_found(self):
        for label in ("nxdomain", "servfail", "refused"):
            with self.subTest(label):
                result = self.run_client(self.url(label), attempts=4, finish=2000,
                                         first_backoff=200, max_backoff=200)
                self.assert_counts(result, delivered=0, dropped_at_exit=1, attempts=5)
                self.assertIn("Could not resolve host", result["warnings"][0])
                self.assertIn("retrying", result["warnings"][0])
                self.assert_quiet(result, of_ms=300)

    def test_silence_and_nonsense(self):
        for label in ("silent", "nonsense", "loop"):
            with self.subTest(label):
                result = self.run_client(self.url(label), timeout=600, attempts=2)
                self.assert_counts(result, delivered=0, queued=1)
                self.assertIn("retrying", result["warnings"][0])
                self.assert_quiet(result, of_ms=1200)

    def test_exit_while_looking_up(self):
        result = self.run_client(self.url("silent"), run_for=100, finish=400)
        self.assert_counts(result, attempts=1, dropped_at_exit=1)
        self.assert_quiet(result, of_ms=490)
        self.assertLess(result["wall_ms"], 3000)

    def test_name_that_comes_to_exist(self):
        self.names.codes["later"] = NXDOMAIN
        timer = threading.Timer(0.5, lambda: self.names.codes.pop("later"))
        timer.start()
        with FaultServer(reply(200)) as server:
            result = self.run_client(self.url("later", server.port))
        timer.join()
        self.assert_counts(result, delivered=1)

    def test_name_servers_that_change(self):
        with FaultServer(reply(200)) as server, open("/etc/resolv.conf", "r+b", 0) as config:
            ours = config.read()
            config.seek(0)
            config.write(b"nameserver 127.0.0.9\n")  # nobody is there
            config.truncate()
            process = start_client(self.url("there", server.port), echo=1)
            process.stderr.readline()
            config.seek(0)
            config.write(ours)
            config.truncate()
            result = self.finish_client(process, errors=ANY)
        self.assert_counts(result, delivered=1)

    def test_impossible_names(self):
        for host in ("a..b.invalid", "x" * 64 + ".invalid", ".invalid"):
            result = self.run_client(f"http://{host}:4318/", attempts=2)
            self.assert_counts(result, delivered=0, queued=1)


def enter():
    """In the new namespaces: loopback up, and resolv.conf names our server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        up = struct.pack("16sh", b"lo", 1)  # IFF_UP
        fcntl.ioctl(sock, 0x8914, up)  # SIOCSIFFLAGS
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\n")
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")], check=True)
    os.unlink(file.name)


if __name__ == "__main__":
    ISOLATE = ["unshare", "--map-root-user", "--net", "--mount"]
    if INSIDE in os.environ:
        enter()
        main()
    elif subprocess.run([*ISOLATE, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("SKIP: unshare cannot make a network namespace here")
        sys.exit(SKIPPED)
    else:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", [*ISOLATE, sys.executable, *sys.argv])
