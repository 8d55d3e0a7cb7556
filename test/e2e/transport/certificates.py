# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command, and servers' sides of TLS."""
import os
import ssl
import subprocess


class Authority:
    """A certificate authority in a directory, by the openssl command."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.certificate, self.key = self.path("pem"), self.path("key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:true")

    def path(self, suffix, name=None):
        return os.path.join(self.directory, f"{name or self.name}.{suffix}")

    def issue(self, name, alternative_names, days=2):
        """The files of a certificate and its key."""
        request, extensions = self.path("csr", name), self.path("ext", name)
        certificate, key = self.path("pem", name), self.path("key", name)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternative_names}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-out", certificate, "-days", str(days), "-extfile", extensions)
        return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def context(files, version=None, client_ca=None, no_tickets=False):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    if version:
        made.minimum_version = made.maximum_version = version
    if client_ca:
        made.load_verify_locations(client_ca)
        made.verify_mode = ssl.CERT_REQUIRED
    if no_tickets:
        made.num_tickets = 0
    return made
