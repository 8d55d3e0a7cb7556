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


tests = {name: value for name, value in globals().items() if name.startswith('test_')}
tests.update(
    {f'test_{name}': inputs.make_rules_test(name, go=False) for name in inputs.INPUTS})
harness.main({name: test for name, test in tests.items()
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])})
