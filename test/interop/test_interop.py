#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent in real programs against parts that others made: the OpenTelemetry Collector in two
releases, the official OTLP package for Python, the profiling group's own checker, go tool pprof.

Run by `./tools/dev interop`, which makes what the environment names: COLLECTORS (NAME=BINARY...),
PROFCHECK (the checker, or why there is none), and what test/e2e/agent/{inputs,harness}.py
wants. Arguments are parts of names: only tests with one of them are run.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e', 'agent'))

import harness  # noqa: E402: found through the path set above
import messages  # noqa: E402: in test/conformance, found through harness
import inputs  # noqa: E402
import samples  # noqa: E402
from collector import Collector, Relay  # noqa: E402
from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2  # noqa: E402

# Our rules, on what the official package makes of the bytes: it knows nothing of our .proto files.
messages.otlp = profiles_service_pb2

COLLECTORS = dict(pair.split('=', 1) for pair in os.environ['COLLECTORS'].split())


def make_collector_test(collector, name):
    def test(directory):
        with Collector(COLLECTORS[collector], directory) as process:
            with Relay(process.url) as relay:
                inputs.profile(name, relay.url, directory)
            process.stop()
            assert {status for status, _ in relay.answers} == {200}, relay.answers
            # The Collector always sets a partial success; an empty one is a success.
            for _, answer in relay.answers:
                success = profiles_service_pb2.ExportProfilesServiceResponse.FromString(
                    answer).partial_success
                assert not success.rejected_profiles and not success.error_message, success
            sent, received = samples.content(relay.bodies), samples.content(process.received())
            differences = samples.difference(sent, received)
            assert not differences, differences[:10]
            count = samples.sample_count(sent)
            assert count and count == samples.sample_count(received)
        print(f'     {count} samples; {inputs.check_features(name, relay.bodies)}')
    return test


def test_profcheck(directory):
    """The profiling group's checker, all its checks on, on all inputs."""
    checker = os.environ['PROFCHECK']
    if not os.path.isabs(checker):
        raise harness.Skip(checker)
    for name in inputs.INPUTS:
        for body in inputs.recorded(name, directory)[0]:
            path = os.path.join(directory, 'request.pb')
            with open(path, 'wb') as file:
                file.write(body)
            result = subprocess.run([checker, '-check-dupes', '-check-orphans',
                                     '-check-sample-shapes', path],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            assert result.returncode == 0, (name, result.stdout.decode()[-3000:])


def test_two_collectors_in_a_row(directory):
    """What a gateway Collector passes on is what the agent sent. Since 0.161 resource attributes
    travel by index from there on."""
    newest = list(COLLECTORS)[0]
    with Relay() as end:
        with Collector(COLLECTORS[newest], directory, exporters='otlphttp',
                       forward=end.url) as process:
            with Relay(process.url) as relay:
                inputs.profile('both, no trace', relay.url, directory)
    differences = samples.difference(samples.content(relay.bodies), samples.content(end.bodies))
    assert not differences, differences[:10]


def test_a_collector_without_the_feature_gate_is_told_apart(directory):
    """It has no profiles pipeline, and answers 404: one warning says so, nothing is sent twice."""
    newest = list(COLLECTORS)[0]
    with Collector(COLLECTORS[newest], directory, pipeline='traces', feature_gate=False) as process:
        with Relay(process.url) as relay:
            result = harness.run([inputs.PROGRAM, 'traced'], OTEL_EXPORTER_OTLP_ENDPOINT=relay.url,
                                 OTPROF_CPU_HZ='500', OTPROF_EXPORT_INTERVAL='200ms')
    assert result.returncode == 0, result
    lines = result.stderr.decode().splitlines()
    assert lines and '404' in lines[0] and all(l.startswith('otprof: warning: ') for l in lines), lines
    assert len(lines) <= 2, lines
    assert {status for status, _ in relay.answers} == {404}
    ids = [header[7] for body in relay.bodies for header in samples.content([body])]
    assert len(ids) == len(set(ids)), 'a window was sent again after 404'


def make_certificates(directory):
    """An authority, a server's certificate for localhost and a client's, all by openssl."""
    def openssl(*arguments):
        subprocess.run(['openssl', *arguments], cwd=directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=interop CA')
    for name, extension in (('server', 'subjectAltName=DNS:localhost'),
                            ('client', 'extendedKeyUsage=clientAuth')):
        with open(os.path.join(directory, name + '.ext'), 'w', encoding='utf-8') as file:
            file.write(extension + '\n')
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
                name + '.key', '-out', name + '.csr', '-subj', f'/CN={name}')
        openssl('x509', '-req', '-in', name + '.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key',
                '-CAcreateserial', '-out', name + '.pem', '-days', '2', '-extfile', name + '.ext')


def make_tls_test(version):
    def test(directory):
        make_certificates(directory)
        file = {name: os.path.join(directory, name)
                for name in ('ca.pem', 'server.pem', 'server.key', 'client.pem', 'client.key')}
        tls = f"""        tls:
          cert_file: {file['server.pem']}
          key_file: {file['server.key']}
          client_ca_file: {file['ca.pem']}
          min_version: "{version}"
          max_version: "{version}"
"""
        proof = {'OTEL_EXPORTER_OTLP_CLIENT_KEY': file['client.key'],
                 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE': file['client.pem']}
        with Collector(list(COLLECTORS.values())[0], directory, tls=tls) as process:
            inputs.profile('traces', process.url, directory, OTEL_EXPORTER_OTLP_CERTIFICATE=file['ca.pem'],
                    **proof)
            for missing, wrong in (('the authority', proof),
                                   ('a client certificate',
                                    {'OTEL_EXPORTER_OTLP_CERTIFICATE': file['ca.pem']})):
                result = harness.run([inputs.PROGRAM, 'traced'], OTEL_EXPORTER_OTLP_ENDPOINT=process.url,
                                     OTPROF_CPU_HZ='500', **wrong)
                assert result.returncode == 0 and b'otprof: warning: ' in result.stderr, (missing,
                                                                                         result)
            process.stop()
            services = {dict(header[0])['service.name'][1]
                        for header in samples.content(process.received())}
            assert services == {'interop traces'}, services
    return test


tests = {f'test_{collector}: {name}': make_collector_test(collector, name)
         for collector in COLLECTORS for name in inputs.INPUTS}
tests.update({f'test_rules, Python package, go tool pprof: {name}': inputs.make_rules_test(name, go=True)
              for name in inputs.INPUTS})
tests.update({f'test_TLS {version} only, client certificate': make_tls_test(version)
              for version in ('1.2', '1.3')})
tests.update({name: value for name, value in globals().items() if name.startswith('test_')})
harness.main({name: test for name, test in tests.items()
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])})
