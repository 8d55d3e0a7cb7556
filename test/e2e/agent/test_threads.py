# SPDX-License-Identifier: Apache-2.0
"""Threads that end long before their first period is over are counted, by every engine: what their samples
add up to is what they used, on a busy machine, too, where the kernel's ticks find them too seldom.
"""
import os

import harness

HZ = 1000
THREADS = 3000
ROUNDS = 60000  # some 0.8 ms for each thread


def total_ms(paths, function=None):
    total = 0
    for path in paths:
        profile = harness.read_pprof(path)
        strings = profile.string_table
        names = {f.id: strings[f.name] for f in profile.function}
        functions = {l.id: {names[line.function_id] for line in l.line} for l in profile.location}
        for sample in profile.sample:
            if function is None or any(function in functions[id] for id in sample.location_id):
                total += sample.value[1] / 1e6
    return total


def check(directory, engine):
    profiles = os.path.join(directory, engine)
    os.mkdir(profiles)
    result = harness.run([os.environ["SHORT_THREADS"], str(THREADS), str(ROUNDS)],
                         OTPROF_CPU_HZ=str(HZ), OTPROF_CPU_ENGINE=engine, OTPROF_EXPORTERS="pprof",
                         OTPROF_PPROF_DIR=profiles, OTPROF_HEAP="false")
    assert result.returncode == 0 and result.stderr == b"", result
    spent_ms = int(result.stdout.split()[2])
    paths = harness.pprof_files(profiles)
    total = total_ms(paths)
    # Main's time comes to that, and some of what the kernel needs to start these threads.
    assert 0.9 * spent_ms < total < 1.2 * spent_ms, (engine, spent_ms, total)
    seventy = total_ms(paths, "spend_seventy")
    thirty = total_ms(paths, "spend_thirty")
    # On a busy machine the tick also prefers one part of such a thread to another.
    assert seventy > 0 and thirty > 0, (engine, seventy, thirty)


def test_sigtrap(directory):
    check(directory, "sigtrap")


def test_perf(directory):
    check(directory, "perf")


def test_timer(directory):
    check(directory, "timer")


harness.main(globals())
