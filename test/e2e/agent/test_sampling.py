# SPDX-License-Identifier: Apache-2.0
"""OTPROF_SAMPLING: what is sampled, and that what is left out is counted."""
import os

import harness

SPANS = os.environ["SPANS"]
MILLISECONDS = 400


def run(directory, sampling, **variables):
    with harness.Receiver() as receiver:
        result = harness.run([SPANS, str(MILLISECONDS)], OTPROF_CPU_HZ="1000",
                             OTPROF_SAMPLING=sampling, OTPROF_EXPORTERS="otlp,pprof",
                             OTPROF_PPROF_DIR=directory, OTPROF_HEAP_INTERVAL="64KiB",
                             OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_EXIT_TIMEOUT="30s",
                             **variables)
        assert result.returncode == 0 and result.stdout == b"done\n", result
        return result, receiver.requests


def weight_in(paths, function):
    total = 0
    for path in paths:
        profile = harness.read_pprof(path)
        names = {f.id: profile.string_table[f.name] for f in profile.function}
        functions = {l.id: {names[line.function_id] for line in l.line} for l in profile.location}
        total += sum(sample.value[0] for sample in profile.sample
                     if any(function in functions[id] for id in sample.location_id))
    return total


def test_always(directory):
    run(directory, "always")
    for kind in ("cpu", "heap"):
        files = harness.pprof_files(directory, kind)
        assert weight_in(files, "within_span") > 0, kind
        assert weight_in(files, "outside_span") > 0, kind


def test_trace(directory):
    _, requests = run(directory, "trace")
    for kind in ("cpu", "heap"):
        files = harness.pprof_files(directory, kind)
        assert weight_in(files, "within_span") > 0, kind
        assert weight_in(files, "outside_span") == 0, kind
    cpu = weight_in(harness.pprof_files(directory), "within_span")
    assert 0.8 * MILLISECONDS < cpu < 1.2 * MILLISECONDS, cpu
    assert any(b"otprof.samples.outside_trace" in body for _, _, body in requests)


def test_ratio(directory):
    result, _ = run(directory, "ratio:0", OTPROF_LOG_LEVEL="info")
    assert harness.pprof_files(directory) == [], result
    assert b"not profiling: OTPROF_SAMPLING" in result.stderr, result
    run(directory, "ratio:1")
    assert weight_in(harness.pprof_files(directory), "outside_span") > 0


def test_wrong(directory):
    result, _ = run(directory, "ratio:2")
    assert result.stderr.count(b"\n") == 1 and b"OTPROF_SAMPLING" in result.stderr, result
    assert weight_in(harness.pprof_files(directory), "outside_span") > 0


harness.main(globals())
