# SPDX-License-Identifier: Apache-2.0
"""TLS as it is set up for the agent, by OTEL_EXPORTER_OTLP_* variables and their _PROFILES_ forms: an
authority of one's own, client certificates, servers of one protocol version only.
"""
import os
import shutil
import ssl

import paths
import harness
from certificates import Authority, context
from decoded import requests_of
from receiver import AckingServer


def push(server, **variables):
    """What the agent warned of; the program ends as ever."""
    notes = os.path.join(push.directory, "notes")
    result = harness.run([paths.STEADY, notes, "0.3"], OTPROF_HEAP_INTERVAL="1",
                         OTEL_EXPORTER_OTLP_ENDPOINT=server.base(), OTPROF_EXIT_TIMEOUT="20s", **variables)
    assert (result.returncode, result.stdout) == (5, b""), result
    return result.stderr.decode()


def files_in(directory):
    push.directory = directory
    authority = Authority(directory, "authority")
    return authority, authority.issue("server", "IP:127.0.0.1"), authority.issue("client", "DNS:client")


def test_versions_and_client_certificates(directory):
    authority, server_files, (certificate, key) = files_in(directory)
    own = {"OTEL_EXPORTER_OTLP_CERTIFICATE": authority.certificate}
    client = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY": key}
    for version in (None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with AckingServer(tls=context(server_files, version)) as server:
            assert push(server, **own) == ""
            assert len(requests_of(server.accepted)) == 1
        mutual = context(server_files, version, client_ca=authority.certificate)
        with AckingServer(tls=mutual) as server:
            assert push(server, **own, **client) == ""
            assert len(server.accepted) == 1
            assert "not delivered" in push(server, **own)
            assert len(server.accepted) == 1


def test_forms_for_profiles_alone(directory):
    authority, server_files, (certificate, key) = files_in(directory)
    wrong = {f"OTEL_EXPORTER_OTLP_{name}": "/nonexistent"
             for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")}
    right = {"OTEL_EXPORTER_OTLP_PROFILES_CERTIFICATE": authority.certificate,
             "OTEL_EXPORTER_OTLP_PROFILES_CLIENT_CERTIFICATE": certificate,
             "OTEL_EXPORTER_OTLP_PROFILES_CLIENT_KEY": key}
    with AckingServer(tls=context(server_files, client_ca=authority.certificate)) as server:
        assert push(server, **wrong, **right) == ""
        assert len(server.accepted) == 1
        assert "/nonexistent" in push(server, **wrong)
        assert len(server.accepted) == 1


def test_servers_that_cannot_be_trusted(directory):
    authority, server_files, _ = files_in(directory)
    other_name = authority.issue("other", "DNS:other.example")
    stranger = Authority(directory, "stranger")
    for files, variables in (
            (server_files, {}),
            (server_files, {"OTEL_EXPORTER_OTLP_CERTIFICATE": stranger.certificate}),
            (other_name, {"OTEL_EXPORTER_OTLP_CERTIFICATE": authority.certificate})):
        with AckingServer(tls=context(files)) as server:
            said = push(server, **variables)
            assert "not delivered" in said and "certificate" in said, said
            assert server.requests == []


if shutil.which("openssl") is None:
    print("SKIP: no openssl command to make certificates with")
    raise SystemExit(77)
harness.main(globals())
