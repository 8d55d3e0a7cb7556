# SPDX-License-Identifier: Apache-2.0
"""What the control functions of otprof.h do, told by the numbers of a program that uses them.

Environment: what harness.py wants, CONTROL (control.c).
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
import harness  # noqa: E402: found through the path set above

FIELDS = ("state", "hz", "interval", "samples", "windows")


def steps(directory, **variables):
    result = harness.run([os.environ["CONTROL"]], cwd=directory, OTPROF_CPU_HZ="1000",
                         OTPROF_EXPORTERS="pprof", OTPROF_PPROF_DIR=directory, **variables)
    assert result.returncode == 0, result
    told = []
    for line in result.stdout.decode().splitlines():
        what, code, *numbers = line.split()
        told.append((what, int(code), dict(zip(FIELDS, map(int, numbers)))))
    return told, result.stderr.decode()


def test_the_numbers_follow(directory):
    told, errors = steps(directory)
    names = [what for what, _, _ in told]
    assert names == ["begin", "stop", "start", "slow", "fast", "interval", "flush", "snapshot", "heap",
                     "nowhere", "stop", "child", "start", "end", "end"], names
    codes = {what: code for what, code, _ in told}
    assert codes.pop("nowhere") == -6 and not any(codes.values()), codes
    assert "snapshot not written: " in errors and errors.count("\n") == 1, errors
    # Samples taken in the 300 ms of CPU time after each step.
    after = {}
    for (what, _, now), (_, _, then) in zip(told, told[1:]):
        after.setdefault(what, []).append(then["samples"] - now["samples"])
    assert after["stop"][0] <= 5, after
    for what in ("begin", "start", "fast", "flush"):
        assert 200 <= after[what][0] <= 330, (what, after)
    assert 20 <= after["slow"][0] <= 40, after
    state = {what: now for what, _, now in told[:11]}
    assert state["stop"]["state"] == 0 and state["start"]["state"] == 1
    assert state["slow"]["hz"] == 100 and state["fast"]["hz"] == 1000
    assert state["begin"]["interval"] == 512 << 10 and state["interval"]["interval"] == 4096
    # A change of the rate ends a window: each has one.
    assert state["fast"]["windows"] == 2, state
    assert state["flush"]["windows"] == 3, state
    assert state["nowhere"]["windows"] == 3, state
    # A child goes on as its parent was: stopped, at its rates.
    (_, _, child), (_, _, started), (_, _, end) = told[11:14]
    assert child["state"] == 0 and child["hz"] == 1000 and child["interval"] == 4096, child
    assert started["samples"] - child["samples"] <= 5, (child, started)
    assert end["samples"] - started["samples"] >= 200, (started, end)
    for kind, values in (("cpu", 2), ("heap", 4)):
        profile = harness.read_pprof(os.path.join(directory, f"snapshot.{kind}.pb.gz"))
        assert len(profile.sample_type) == values and profile.sample, kind
    rates = set()
    for path in harness.pprof_files(directory):
        rates.add(harness.read_pprof(path).period)
    assert rates == {1_000_000, 10_000_000}, rates


def test_what_is_not_profiled_cannot_be_asked_for(directory):
    told, errors = steps(directory, OTPROF_HEAP="false")
    codes = {what: code for what, code, _ in told}
    assert codes["interval"] == codes["heap"] == -6, codes
    assert "no snapshot written" in errors and "the heap is not sampled" in errors, errors
    told, errors = steps(directory, OTPROF_CPU="false")
    codes = {what: code for what, code, _ in told}
    assert codes["slow"] == codes["fast"] == codes["snapshot"] == -6, codes
    assert codes["interval"] == codes["heap"] == codes["stop"] == codes["start"] == 0, codes


harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
