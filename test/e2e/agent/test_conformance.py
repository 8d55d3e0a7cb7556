# SPDX-License-Identifier: Apache-2.0
"""What the agent sends and writes for real programs is what the standards want, item by item
(test/conformance), and both say the same."""
import sys

import harness
import inputs
import samples

def test_a_published_context_that_cannot_be_read_is_told_once(_):
    with harness.Receiver() as receiver:
        result = harness.run([inputs.PROGRAM, 'published', 'bad'], OTPROF_EXIT_TIMEOUT='30s',
                             OTPROF_EXPORT_INTERVAL='100ms', OTPROF_CPU_HZ='500',
                             OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_SERVICE_NAME='own')
    assert result.returncode == 0 and result.stdout == b'done\n', result
    line, = result.stderr.decode().splitlines()
    assert line.startswith('otprof: warning: the process context published') and line.endswith(
        'not used: it is not in readable memory'), line
    assert len(receiver.requests) > 1
    for _, _, body in receiver.requests:
        for attributes, _, _ in samples.Reader(samples.parse(body)).profiles():
            assert attributes['service.name'] == ('string_value', 'own'), attributes


def resources(receiver):
    """The resource attributes of each profile that arrived, values as they are."""
    return [{key: value for key, (_, value) in attributes.items()}
            for _, _, body in receiver.requests
            for attributes, _, _ in samples.Reader(samples.parse(body)).profiles()]


def test_one_mistake_discards_the_resource_attributes(_):
    with harness.Receiver() as receiver:
        result = harness.run([inputs.PROGRAM, 'published'], OTPROF_EXIT_TIMEOUT='30s',
                             OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_CPU_HZ='500',
                             OTEL_RESOURCE_ATTRIBUTES='team=blue,no value')
    assert result.returncode == 0 and result.stdout == b'done\n', result
    line, = result.stderr.decode().splitlines()
    assert line.startswith('otprof: warning: OTEL_RESOURCE_ATTRIBUTES is not accepted'), line
    assert receiver.requests
    assert all('team' not in found for found in resources(receiver)), resources(receiver)


FORKS = """
import os, time
def burn():
    until = time.process_time() + 0.3
    while time.process_time() < until: sum(range(1000))
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        burn()
        os._exit(0)
    children.append(child)
burn()
for child in children: os.waitpid(child, 0)
print(*[os.getpid()] + children)
"""


def test_each_process_is_an_instance_of_its_own(_):
    with harness.Receiver() as receiver:
        result = harness.run(['/usr/bin/python3', '-c', FORKS, '--password', 'secret'],
                             OTPROF_EXIT_TIMEOUT='30s', OTPROF_CPU_HZ='500',
                             OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                             K8S_POD_NAME='pod-1', POD_NAMESPACE='ignored outside of a pod')
    assert result.returncode == 0 and result.stderr == b'', result
    found = resources(receiver)
    assert {r['process.pid'] for r in found} == {int(pid) for pid in result.stdout.split()}, found
    assert len({r['service.instance.id'] for r in found}) == 3, found
    for resource in found:
        assert resource['service.name'].startswith('unknown_service:python3'), resource
        assert resource['k8s.pod.name'] == 'pod-1' and 'k8s.namespace.name' not in resource
        assert not any('secret' in str(value) for value in resource.values()), resource


tests = {name: value for name, value in globals().items() if name.startswith('test_')}
tests.update(
    {f'test_{name}': inputs.make_rules_test(name, go=False) for name in inputs.INPUTS})
harness.main({name: test for name, test in tests.items()
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])})
