# SPDX-License-Identifier: Apache-2.0
"""One program that knows where its time goes, through the whole path at once: as a pprof file, to a
receiver of a few lines, to otprof serve. Every one of them has to tell the same truth.

The program runs twice for the whole file; the tests look at what the runs left.
"""
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
import json

import harness

SHARES = os.environ["SHARES"]
HZ = 1000
# Per thread. With two threads 5000 samples: were each an independent draw, the share of 70 % would
# have a standard deviation of 0.65 points. Samples one period apart in turns of many periods are
# much nearer to the truth; two points are more than three of the worse deviations.
MILLISECONDS = 2500


class Run:
    """The program with both exporters on, one window for all of it."""

    def __init__(self, directory, **variables):
        self.pprof_directory = os.path.join(directory, "pprof")
        self.requests_directory = os.path.join(directory, "requests")
        os.mkdir(self.pprof_directory)
        os.mkdir(self.requests_directory)
        with harness.Receiver() as receiver:
            result = harness.run(
                [SHARES, str(MILLISECONDS)], OTPROF_CPU_HZ=str(HZ), OTPROF_EXPORTERS="otlp,pprof",
                OTPROF_PPROF_DIR=self.pprof_directory, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                OTPROF_HEAP="false", OTPROF_EXIT_TIMEOUT="30s", OTPROF_EXPORT_INTERVAL="10m",
                **variables)
        assert result.returncode == 0, result
        self.stderr = result.stderr.decode()
        self.seventy, self.thirty = (int(number) for number in result.stdout.split())
        self.requests = receiver.requests
        self.bodies = []
        for number, (_, _, body) in enumerate(self.requests):
            path = os.path.join(self.requests_directory, f"{number}.otlp")
            with open(path, "wb") as file:
                file.write(body)
            self.bodies.append(path)
        self.file, = harness.pprof_files(self.pprof_directory)
        self.profile = harness.read_pprof(self.file)
        functions = {f.id: self.profile.string_table[f.name] for f in self.profile.function}
        names = {location.id: [functions[line.function_id] for line in location.line] or ["?"]
                 for location in self.profile.location}
        # (names, leaf first; samples; CPU nanoseconds)
        self.stacks = [([name for id in sample.location_id for name in names[id]], *sample.value)
                       for sample in self.profile.sample]

    @property
    def samples(self):
        return sum(count for _, count, _ in self.stacks)

    def nanoseconds(self, function):
        return sum(ns for names, _, ns in self.stacks if function in names)


scratch = tempfile.mkdtemp(prefix="otprof-shares-")
run = Run(scratch)


def conformance(program, *arguments):
    result = subprocess.run(["/usr/bin/python3", "-B", os.path.join(harness.CONFORMANCE, program),
                             *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    assert result.returncode == 0, result.stdout


def test_file_says_what_is_said_of_the_profile(_):
    facts = dict(run.profile.string_table[i].split(": ", 1) for i in run.profile.comment)
    assert facts["otprof.cpu.engine"] in ("sigtrap", "perf", "timer"), facts
    assert facts["otprof.samples.lost"] == "0", facts
    told = sum(sample.value[0] for sample in run.profile.sample)
    assert 0.8 * told < int(facts["otprof.samples.taken"]) < 1.2 * told, (told, facts)
    assert facts["otprof.cpu.period"] == f"{10**9 // HZ} ns", facts


def test_nothing_is_said(_):
    assert run.stderr == "", run.stderr


def test_share_is_true(_):
    truth = 100 * run.seventy / (run.seventy + run.thirty)
    told_seventy = run.nanoseconds("spend_seventy")
    told = 100 * told_seventy / (told_seventy + run.nanoseconds("spend_thirty"))
    print(f"the program spent {truth:.2f} %, the profile says {told:.2f} %")
    assert abs(told - truth) <= 2


def test_sum_is_true(_):
    # The clock of a thread counts its system calls too, in which no sample is taken (about 3 % here:
    # one look at the clock for each 15 us of work), and a sample that falls into one is not made up
    # for.
    truth = run.seventy + run.thirty
    told = run.nanoseconds("spend_seventy") + run.nanoseconds("spend_thirty")
    print(f"{told / 1e6:.0f} ms told of {truth / 1e6:.0f} ms")
    assert 0.90 <= told / truth <= 1.02


def test_stacks_are_whole(_):
    whole = sum(count for names, count, _ in run.stacks
                if "main" in names or names[-1] in ("clone3", "__clone3", "start_thread"))
    print(f"{whole} of {run.samples} stacks reach main or a thread's start")
    assert whole >= 0.995 * run.samples
    deep = sum(count for names, count, _ in run.stacks if names.count("descend") == 31)
    assert deep >= 0.99 * run.samples, f"{deep} of {run.samples} show all 31 frames"


def test_threads_share_the_work(_):
    labels = {}
    for sample in run.profile.sample:
        keys = {run.profile.string_table[label.key]: label for label in sample.label}
        tid = keys["thread.id"].num or run.profile.string_table[keys["thread.id"].str]
        labels[tid] = labels.get(tid, 0) + sample.value[0]
    assert len(labels) == 2, labels
    assert min(labels.values()) >= 0.45 * run.samples, labels


def test_pprof_file_keeps_the_rules(_):
    conformance("pprof_rules.py", run.file)


def test_go_tool_reads_the_file(directory):
    go = shutil.which("go", path=harness.PATH)
    if go is None:
        raise harness.Skip("no go here")
    # The real home: newer Go builds the tool when it is first used, and keeps it there.
    environment = {**os.environ, "PPROF_TMPDIR": directory}
    raw = subprocess.run([go, "tool", "pprof", "-raw", run.file], env=environment, text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    assert f"Period: {1_000_000_000 // HZ}" in raw, raw[:500]
    top = subprocess.run([go, "tool", "pprof", "-top", "-nodecount=4", run.file], env=environment,
                         text=True, stdout=subprocess.PIPE, check=True).stdout
    share = re.search(r"([\d.]+)%\s+spend_seventy", top)
    assert share, top


def test_request_keeps_the_rules(_):
    assert run.bodies
    conformance("otlp_rules.py", *run.bodies)
    for path, headers, _ in run.requests:
        assert path == "/v1development/profiles", path
        assert headers["Content-Type"] == "application/x-protobuf", headers
        assert headers["Content-Encoding"] == "gzip", headers


def test_request_agrees_with_the_file(_):
    conformance("agree.py", *run.bodies, run.file)


def test_otprof_serve_tells_the_same(_):
    server = subprocess.Popen([harness.OTPROF, "serve", "--listen", "127.0.0.1:0"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = re.search(r"http://[\d.:]+\d", server.stdout.readline()).group(0)
        result = harness.run([SHARES, "500"], OTPROF_CPU_HZ=str(HZ), OTPROF_HEAP="false",
                             OTEL_EXPORTER_OTLP_ENDPOINT=url, OTPROF_EXIT_TIMEOUT="30s")
        assert result.returncode == 0 and result.stderr == b"", result
        with urllib.request.urlopen(url + "/profile.json", timeout=30) as answer:
            document = json.load(answer)
    finally:
        server.terminate()
        _, error = server.communicate(timeout=20)
    assert error == "", error
    cpu = next(profile for profile in document["profiles"] if profile["kind"] == "cpu")
    strings = document["strings"]
    leaves = {}
    stride = 2 + len(cpu["types"])
    for at in range(0, len(cpu["rows"]), stride):
        frame = cpu["frame"][cpu["rows"][at] - 1]
        name = strings[document["frames"][3 * frame]]
        leaves[name] = leaves.get(name, 0) + cpu["rows"][at + 2]
    ours = leaves["spend_seventy"] + leaves["spend_thirty"]
    # A thousand samples: a standard deviation of 1.5 points, were they independent draws.
    assert abs(100 * leaves["spend_seventy"] / ours - 70) <= 5, leaves


try:
    harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
finally:
    shutil.rmtree(scratch)
