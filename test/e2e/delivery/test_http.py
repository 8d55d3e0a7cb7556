# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP as the variables ask for it, from the agent to the wire: paths, headers, compression,
what is sent again, time limits, and resource attributes that are broken.
"""
import os

import paths
import harness
from decoded import profile_attributes, requests_of, resource
from fault_server import reply
from receiver import AckingServer


def push(directory, server, seconds="0.3", **variables):
    """What the agent said, in one run that makes one window."""
    variables.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", server.base())
    result = harness.run([paths.STEADY, os.path.join(directory, "notes"), seconds], **{
        "OTPROF_HEAP_INTERVAL": "1", "OTPROF_EXIT_TIMEOUT": "20s", **variables})
    assert (result.returncode, result.stdout) == (5, b""), result
    return result.stderr.decode()


def test_paths(directory):
    with AckingServer() as server:
        for base, path in (("", "/v1development/profiles"), ("/", "/v1development/profiles"),
                           ("/sub", "/sub/v1development/profiles"),
                           ("/sub/", "/sub/v1development/profiles")):
            assert push(directory, server, OTEL_EXPORTER_OTLP_ENDPOINT=server.base() + base) == ""
            assert server.requests[-1].target == path, (base, server.requests[-1].target)
            assert server.requests[-1].method == "POST"
        for own, path in (("", "/"), ("/", "/"), ("/x/y", "/x/y"), ("/x/", "/x/"), ("/x?a=b", "/x?a=b")):
            assert push(directory, server, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
                        OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT=server.base() + own) == ""
            assert server.requests[-1].target == path, (own, server.requests[-1].target)
        assert len(server.accepted) == 9


def test_headers(directory):
    with AckingServer() as server:
        said = push(directory, server, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a%20b,"
                    "OTLP-Profiles-Development-Version=1,content-type=text/plain")
        assert "not accepted in part" in said and len(said.splitlines()) == 1, said
        assert push(directory, server, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=general",
                    OTEL_EXPORTER_OTLP_PROFILES_HEADERS="x-tenant=own",
                    OTEL_EXPORTER_OTLP_COMPRESSION="none") == ""
    packed, plain = server.requests
    for request, tenant, encoding in ((packed, "a b", ["gzip"]), (plain, "own", [])):
        assert request.values("x-tenant") == [tenant]
        assert request.values("OTLP-Profiles-Development-Version") == ["1"]
        assert request.values("Content-Type") == ["application/x-protobuf"]
        assert request.values("Content-Encoding") == encoding
        assert request.values("User-Agent")[0].startswith("libotprof/")
        assert "OTel-OTLP-Exporter-Cpp/" in request.values("User-Agent")[0]
    assert len(requests_of(server.accepted)) == 2


def test_what_is_sent_again_is_the_same(directory):
    with AckingServer(lambda number: reply(503) if number < 1 else None) as server:
        push(directory, server, OTPROF_EXPORT_INTERVAL="100ms", OTPROF_EXIT_TIMEOUT="20s")
    first, second = server.requests[:2]
    assert first.body == second.body and len(first.body) > 100


def test_time_limits(directory):
    def late(connection, request):
        if connection.read_body(request) is None:
            return False
        server.closing.wait(0.7)
        return False

    for value, warns, is_tried_again in (("0", False, False), ("-1", True, False), ("abc", True, False),
                                         ("200", False, True)):
        with AckingServer(lambda number: late if number == 0 else None) as server:
            said = push(directory, server, OTEL_EXPORTER_OTLP_TIMEOUT=value,
                        OTPROF_EXPORT_INTERVAL="100ms")
        assert ("OTEL_EXPORTER_OTLP_TIMEOUT" in said) == warns, (value, said)
        assert ("timed out" in said) == is_tried_again, (value, said)


def test_resource_attributes_that_are_broken(directory):
    with AckingServer() as server:
        said = push(directory, server, OTEL_RESOURCE_ATTRIBUTES="team=blue,broken,service.name=wrong",
                    OTEL_SERVICE_NAME="right")
        assert said.count("OTEL_RESOURCE_ATTRIBUTES") == 1 and len(said.splitlines()) == 1, said
        assert push(directory, server, OTEL_RESOURCE_ATTRIBUTES="team=blue,service.name=loses",
                    OTEL_SERVICE_NAME="wins") == ""
    broken, good = (resource(request) for request in requests_of(server.accepted))
    assert broken["service.name"] == "right" and "team" not in broken
    assert good["service.name"] == "wins" and good["team"] == "blue"


def test_windows_account_for_those_before(directory):
    behave = lambda number: reply(400) if number == 1 else None
    with AckingServer(behave) as server:
        push(directory, server, seconds="1.5", OTPROF_EXPORT_INTERVAL="100ms",
             OTPROF_SPOOL_DIR=os.path.join(directory, "spool"))
    reports = [profile_attributes(next(r.profiles()), r) for r in requests_of(server.accepted)]
    first, last = reports[0], reports[-1]
    assert first["otprof.delivery.requests"] == first["otprof.delivery.delivered"] == 0, first
    assert "otprof.delivery.dropped.refused" not in first
    assert last["otprof.delivery.dropped.refused"] == 1, last
    requests = [report["otprof.delivery.requests"] for report in reports]
    assert requests == [0, *range(2, len(requests) + 1)], "each is one more, but for the refused"
    assert all(report["otprof.agent.memory"] > 100_000 for report in reports)
    times = [report["otprof.agent.cpu_time"] for report in reports]
    assert times == sorted(times) and times[0] > 0
    for report in reports:
        gone = sum(report.get("otprof.delivery." + name, 0)
                   for name in ("delivered", "queued", "dropped.refused"))
        assert report["otprof.delivery.requests"] == gone + report["otprof.spool.requests"], report


harness.main(globals())
