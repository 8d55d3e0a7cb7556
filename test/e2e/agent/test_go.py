# SPDX-License-Identifier: Apache-2.0
"""A Go program with cgo under the agent: it does what it does alone, and its time in Go and in C is in
its profiles, taken by the timer engine.
"""
import os
import shutil
import subprocess

import harness

HERE = os.path.dirname(os.path.abspath(__file__))


def build(directory):
    go = shutil.which("go", path=harness.PATH)
    compiler = shutil.which("cc", path=harness.PATH)
    if go is None or compiler is None:
        raise harness.Skip("needs go and a C compiler")
    source = os.path.join(directory, "source")
    shutil.copytree(os.path.join(HERE, "go_program"), source)
    program = os.path.join(directory, "program")
    result = subprocess.run(
        [go, "build", "-o", program, "."], cwd=source, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
        env={"PATH": harness.PATH, "HOME": directory, "CGO_ENABLED": "1", "GOFLAGS": "-mod=mod",
             "GOTOOLCHAIN": "local", "GOPROXY": "off",
             "GOCACHE": os.environ.get("GOCACHE", os.path.expanduser("~/.cache/go-build"))})
    if result.returncode != 0:
        raise harness.Skip("go build with cgo does not work here: " + result.stdout.decode()[-300:])
    return program


def self_time(paths):
    """CPU time by innermost function, in ns, of all files."""
    times = {}
    for path in paths:
        profile = harness.read_pprof(path)
        strings = profile.string_table
        functions = {f.id: strings[f.name] for f in profile.function}
        leaves = {l.id: functions[l.line[0].function_id] if l.line else "" for l in profile.location}
        for sample in profile.sample:
            name = leaves.get(sample.location_id[0], "") if sample.location_id else ""
            times[name] = times.get(name, 0) + sample.value[1]
    return times


def test_runs_as_alone_and_is_profiled(directory):
    program = build(directory)
    alone = harness.run([program], preload=False)
    profiles = os.path.join(directory, "profiles")
    os.mkdir(profiles)
    log = os.path.join(directory, "log")
    profiled = harness.run([program], OTPROF_CPU_HZ="1000", OTPROF_EXPORTERS="pprof",
                           OTPROF_PPROF_DIR=profiles, OTPROF_EXPORT_INTERVAL="200ms",
                           OTPROF_LOG_LEVEL="info", OTPROF_LOG_FILE=log)
    assert profiled.stdout == alone.stdout, (profiled, alone)
    assert profiled.returncode == alone.returncode == 3, profiled
    assert profiled.stderr == b"", profiled
    with open(log) as file:
        lines = file.read()
    assert "sampled by the timer engine" in lines and "Go program" in lines, lines
    times = self_time(harness.pprof_files(profiles))
    in_c = sum(time for name, time in times.items() if "burn_in_c" in name)
    # The runtime's preemption signals hide some of what is in main; the busier the machine, the more.
    in_go = sum(time for name, time in times.items() if name.startswith(("main.", "runtime.")))
    # The same loop, equally often.
    assert in_c > 0.25 * sum(times.values()), times
    assert in_go > 0.2 * sum(times.values()), times


harness.main(globals())
