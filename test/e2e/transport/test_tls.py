# SPDX-License-Identifier: Apache-2.0
"""Certificates of both sides, protocol versions, and connections that break under TLS."""
import os
import shutil
import ssl
import tempfile
import unittest

from certificates import Authority, context, openssl
from fault_server import FaultServer, hang_up, reply, reset_after, silence
from harness import SKIPPED, TransportTest, main, start_client

OK = reply(200)


class Tls(TransportTest):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="otprof-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.authority = Authority(cls.directory, "authority")
        cls.stranger = Authority(cls.directory, "stranger")
        cls.server_files = cls.authority.issue("server", "IP:127.0.0.1,DNS:localhost")
        cls.client_files = cls.authority.issue("client", "DNS:client")
        cls.ca = cls.authority.certificate

    def check_delivered(self, tls, url=None, **options):
        with FaultServer(OK, tls=tls) as server:
            result = self.run_client(url or server.url(), bodies=3, **{"ca": self.ca, **options})
        self.assert_counts(result, delivered=3, attempts=3)
        self.assertEqual(result["warnings"], [])
        return server

    def check_not_delivered(self, tls, words, host="127.0.0.1", **options):
        with FaultServer(OK, tls=tls) as server:
            result = self.run_client(server.url(host=host), attempts=2,
                                     **{"ca": self.ca, **options})
        self.assert_counts(result, delivered=0, queued=1)
        self.assertEqual(server.requests, [])
        self.assertRegex(result["warnings"][0], words)
        self.assertIn("retrying", result["warnings"][0])

    def test_own_authority(self):
        server = self.check_delivered(context(self.server_files))
        self.assertEqual(server.connections, 1)

    def test_by_name(self):
        with FaultServer(OK, tls=context(self.server_files)) as server:
            result = self.run_client(server.url(host="localhost"), ca=self.ca)
        self.assert_counts(result, delivered=1)

    def test_protocol_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                self.check_delivered(context(self.server_files, version))

    def test_old_protocol_version_is_refused(self):
        old = context(self.server_files)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        self.check_not_delivered(old, "(?i)protocol|version|alert")

    def test_unknown_authority(self):
        self.check_not_delivered(context(self.server_files), "certificate",
                                 ca=self.stranger.certificate)

    def test_the_systems_authorities_do_not_know_ours(self):
        self.check_not_delivered(context(self.server_files), "certificate", ca="")

    def test_certificate_for_another_name(self):
        files = self.authority.issue("other", "DNS:other.example")
        self.check_not_delivered(context(files), "does not match|no alternative certificate")
        self.check_not_delivered(context(files), "does not match|no alternative certificate",
                                 host="localhost")

    def test_expired(self):
        files = self.authority.issue("expired", "IP:127.0.0.1", days=0)
        self.check_not_delivered(context(files), "expired")

    def test_authority_file_that_is_missing_or_nonsense(self):
        nonsense = os.path.join(self.directory, "nonsense")
        with open(nonsense, "wb") as file:
            file.write(bytes(1000))
        for ca in (os.path.join(self.directory, "missing"), nonsense, self.directory):
            self.check_not_delivered(context(self.server_files), ca, ca=ca)

    def test_client_certificate(self):
        certificate, key = self.client_files
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                tls = context(self.server_files, version, client_ca=self.ca)
                self.check_delivered(tls, cert=certificate, key=key)
                # In TLS 1.3 the refusal comes when the client believes itself connected.
                self.check_not_delivered(tls, "cannot deliver")

    def test_client_key_that_does_not_fit(self):
        certificate, _ = self.client_files
        tls = context(self.server_files, client_ca=self.ca)
        self.check_not_delivered(tls, "(?i)key|certificate", cert=certificate,
                                 key=self.server_files[1])
        self.check_not_delivered(tls, "(?i)key|certificate", cert=certificate, key="/missing")

    def test_nobody_is_asked_for_the_passphrase_of_a_key(self):
        certificate, key = self.client_files
        locked = os.path.join(self.directory, "locked.key")
        openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked)
        terminal, theirs = os.openpty()
        with FaultServer(OK, tls=context(self.server_files, client_ca=self.ca)) as server:
            process = start_client(server.url(), ca=self.ca, cert=certificate, key=locked,
                                   run_for=300, terminal=theirs)
            os.close(theirs)
            result = self.finish_client(process)
        self.assert_counts(result, delivered=0, queued=1)
        self.assertRegex(result["warnings"][0], "(?i)private key")
        with self.assertRaises(OSError):  # nothing was written before the other end was closed
            os.read(terminal, 1000)
        os.close(terminal)

    def test_connections_that_break(self):
        tls = context(self.server_files)
        with FaultServer(reset_after(300_000), hang_up, reset_after(0), OK, tls=tls) as server:
            result = self.run_client(server.url(), ca=self.ca, size=3_000_000)
        self.assert_counts(result, delivered=1, attempts=4)

    def test_plain_http_where_tls_is_expected_and_the_reverse(self):
        with FaultServer(OK) as plain:
            result = self.run_client(plain.url(scheme="https"), ca=self.ca, attempts=1,
                                     timeout=500)
            self.assert_counts(result, delivered=0, queued=1)
        with FaultServer(OK, tls=context(self.server_files)) as server:
            result = self.run_client(server.url(scheme="http"), attempts=1, timeout=500)
            self.assert_counts(result, delivered=0, queued=1)

    def test_handshake_that_never_ends(self):
        with FaultServer(listen=False) as server:
            server.listener.listen(8)  # accepted by the kernel, and nobody reads
            result = self.run_client(server.url(scheme="https"), ca=self.ca, timeout=600,
                                     run_for=1000)
        self.assert_counts(result, delivered=0, queued=1)
        self.assert_quiet(result, of_ms=1000)

    def test_waiting_for_an_answer_is_quiet(self):
        with FaultServer(silence, OK, tls=context(self.server_files)) as server:
            result = self.run_client(server.url(), ca=self.ca, timeout=1000)
        self.assert_counts(result, delivered=1, attempts=2)
        self.assert_quiet(result, of_ms=1000)

    def test_exit_in_the_middle(self):
        with FaultServer(silence, tls=context(self.server_files)) as server:
            result = self.run_client(server.url(), ca=self.ca, run_for=100, finish=300)
        self.assert_counts(result, dropped_at_exit=1)
        self.assertLess(result["wall_ms"], 3000)


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("SKIP: no openssl command to make certificates with")
        raise SystemExit(SKIPPED)
    main()
