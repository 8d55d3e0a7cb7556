#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each of three spans cost, as the program knows it, against what is told by the OTLP request, by
the pprof files' labels and by `otprof top`: CPU time, bytes allocated, bytes in use.

Environment: LIBOTPROF, OTPROF (the command), SPANS (spans.cc).

The bound is 2 points. Of n independent samples a share of 60 % has a standard deviation of
49/sqrt(n) points: 0.4 for the 16,000 live samples (64 MB at one in 4 KiB), less for the others. CPU
samples come one period apart in turns of many periods, so they are much nearer to the truth than
4,000 independent ones (0.8) would be.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../e2e/agent"))
import harness  # noqa: E402: found through the path set above
from messages import otlp  # noqa: E402: harness has set the path

BOUND = 2.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KINDS = {"cpu": "cpu", "alloc_space": "heap", "inuse_space": "heap"}


class Run:
    def __init__(self, directory):
        self.pprof_directory = os.path.join(directory, "pprof")
        os.mkdir(self.pprof_directory)
        with harness.Receiver() as receiver:
            result = harness.run(
                [os.environ["SPANS"], "2000"], OTPROF_CPU_HZ="1000", OTPROF_HEAP_INTERVAL="4KiB",
                OTPROF_EXPORTERS="otlp,pprof", OTPROF_PPROF_DIR=self.pprof_directory,
                OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTPROF_EXIT_TIMEOUT="30s",
                OTPROF_EXPORT_INTERVAL="10m")
        assert result.returncode == 0 and result.stderr == b"", result
        # span: (route, {what: amount})
        self.spans = {}
        for line in result.stdout.decode().splitlines():
            span, route, *amounts = line.split()
            self.spans[span] = route, dict(zip(KINDS, map(int, amounts)))
        self.bodies = [body for _, _, body in receiver.requests]
        self.files = {}
        for kind in ("cpu", "heap"):
            self.files[kind], = harness.pprof_files(self.pprof_directory, kind)

    def truth(self, what):
        amounts = {span: amount[what] for span, (_, amount) in self.spans.items()}
        return shares(amounts, amounts)


def shares(amounts, spans):
    whole = sum(amounts.get(span, 0) for span in spans)
    return {span: 100 * amounts.get(span, 0) / whole for span in spans}


def compare(source, what, told):
    truth = run.truth(what)
    print(f"{source:8} {what:12}", *(f"{told[span]:6.2f} ({truth[span]:5.2f})" for span in truth))
    for span, share in truth.items():
        assert abs(told[span] - share) <= BOUND, f"{source} {what} of {span}: {told[span]}, true {share}"


scratch = tempfile.mkdtemp(prefix="otprof-spans-")
run = Run(scratch)


def pprof_rows(kind):
    """({label: value}, {type: value}) of each sample."""
    profile = harness.read_pprof(run.files[kind])
    text = profile.string_table
    types = [text[t.type] for t in profile.sample_type]
    for sample in profile.sample:
        yield ({text[label.key]: text[label.str] for label in sample.label if label.str},
               dict(zip(types, sample.value)))


def test_the_program_kept_its_word(_):
    for what in KINDS:
        for share, wanted in zip(run.truth(what).values(), (60, 30, 10)):
            assert abs(share - wanted) <= 3, (what, run.truth(what))


def test_pprof_labels(_):
    for what, kind in KINDS.items():
        amounts = {}
        for labels, values in pprof_rows(kind):
            span = labels.get("span_id")
            if span in run.spans:
                assert labels["trace_id"] == TRACE, labels
                # An allocation may come before the route is set: none here, a CPU sample may.
                assert labels.get("http.route", run.spans[span][0]) == run.spans[span][0], labels
                amounts[span] = amounts.get(span, 0) + values[what]
        compare("pprof", what, shares(amounts, run.spans))


def test_heap_rows_carry_their_route(_):
    for labels, _ in pprof_rows("heap"):
        if labels.get("span_id") in run.spans:
            assert labels.get("http.route") == run.spans[labels["span_id"]][0], labels


def test_otlp_links(_):
    amounts = {what: {} for what in KINDS}
    for body in run.bodies:
        request = otlp.ExportProfilesServiceRequest.FromString(body)
        text, links = request.dictionary.string_table, request.dictionary.link_table
        for resource in request.resource_profiles:
            for profile in (p for scope in resource.scope_profiles for p in scope.profiles):
                what = text[profile.sample_type.type_strindex]
                what = "cpu" if what == "samples" else what
                if what not in KINDS:
                    continue
                for sample in profile.samples:
                    link = links[sample.link_index]
                    if link.span_id.hex() not in run.spans:
                        continue
                    assert link.trace_id.hex() == TRACE
                    value = sum(sample.values) or len(sample.timestamps_unix_nano)
                    amount = amounts[what]
                    amount[link.span_id.hex()] = amount.get(link.span_id.hex(), 0) + value
    for what in KINDS:
        compare("otlp", what, shares(amounts[what], run.spans))


def top(*arguments):
    result = subprocess.run([harness.OTPROF, "top", *arguments, *run.files.values()], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    # {type: per cent} of the lines "of all: 60.0 % of 4.00 s cpu, ..."
    told = {}
    for line in re.findall(r"^of all: (.*)$", result.stdout, re.M):
        for share, what in re.findall(r"([\d.]+) % of [\d.,]+ ?\w* (\w+)", line):
            told[what] = float(share)
    return result, told


def test_otprof_top(_):
    for option in ("--span", "--label"):
        told = {}
        for span, (route, _) in run.spans.items():
            _, told[span] = top(option, span if option == "--span" else "http.route=" + route)
        for what in KINDS:
            compare(option, what, {span: told[span][what] for span in run.spans})


def test_otprof_top_of_the_trace(_):
    _, told = top("--trace", TRACE.upper())
    for what in KINDS:
        assert told[what] > 97, told
    result, told = top("--trace", "f" * 32)
    assert result.stdout == "no such samples\n" and not told, result
    for wrong in (["--span", "12"], ["--span", "x" * 16], ["--trace", TRACE + "00"], ["--label", "=x"],
                  ["--label", "x"]):
        result, _ = top(*wrong)
        assert result.returncode == 2 and wrong[0] in result.stderr and result.stdout == "", result


try:
    harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
finally:
    shutil.rmtree(scratch)
