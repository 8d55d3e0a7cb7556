# SPDX-License-Identifier: Apache-2.0
"""OTPROF_SYMBOLIZE=lines: inlined functions, files and lines arrive in both formats, and the tools show
them.

Environment: INLINED (inlined.cc), and harness.py's.
"""
import os
import subprocess

import harness  # first: it sets the path to the checkers
import agree
import otlp_rules
import pprof_rules
import samples

PROGRAM = os.environ["INLINED"]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inlined.cc")


def line_of(comment):
    with open(SOURCE, encoding="utf-8") as file:
        line, = [number for number, text in enumerate(file, 1)
                 if text.rstrip().endswith("// " + comment)]
    return line


def chain(*links):
    return tuple((name, SOURCE, line_of(comment)) for name, comment in links)


def plain(name):
    """Debug information has no more than this of an inlined function that is not exported."""
    return name.removeprefix("(anonymous namespace)::").split("(")[0]


# Innermost first, as both formats want it.
BURN = chain(("mix", "the leaf"), ("twice", "call of mix"), ("burn", "call of twice"))
FILL = chain(("block", "the allocation"), ("fill", "call of block"))


def pprof_leaves(path):
    """What the innermost locations of the samples say, each as a chain."""
    profile = harness.read_pprof(path)
    text = profile.string_table
    functions = {f.id: f for f in profile.function}
    chains = {location.id: tuple((plain(text[functions[line.function_id].name]),
                                  text[functions[line.function_id].filename], line.line)
                                 for line in location.line) for location in profile.location}
    return {chains[sample.location_id[0]] for sample in profile.sample}


def otlp_chains(bodies):
    found = set()
    for body in bodies:
        table = samples.parse(body).dictionary
        text = table.string_table
        functions = [(plain(text[f.name_strindex]), text[f.filename_strindex])
                     for f in table.function_table]
        for location in table.location_table:
            found.add(tuple((*functions[line.function_index], line.line)
                            for line in location.lines))
    return found


def record(directory, **variables):
    with harness.Receiver() as receiver:
        result = harness.run([PROGRAM], OTPROF_SYMBOLIZE="lines", OTPROF_CPU_HZ="1000",
                             OTPROF_HEAP_INTERVAL="16KiB", OTPROF_EXPORTERS="otlp,pprof",
                             OTPROF_PPROF_DIR=directory, OTPROF_EXIT_TIMEOUT="30s",
                             OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **variables)
    assert result.returncode == 0 and result.stdout == b"done\n", result
    return result, [body for _, _, body in receiver.requests]


def test_inlined_functions_are_in_both_formats(directory):
    result, bodies = record(directory)
    assert result.stderr == b"", result.stderr
    cpu, = harness.pprof_files(directory)
    heap, = harness.pprof_files(directory, "heap")
    assert BURN in pprof_leaves(cpu), pprof_leaves(cpu)
    assert FILL in pprof_leaves(heap), pprof_leaves(heap)
    in_otlp = otlp_chains(bodies)
    assert BURN in in_otlp and FILL in in_otlp, in_otlp
    for body in bodies:
        violations = otlp_rules.check(body, otlp_rules.Options(files=True))
        assert not violations, violations[:10]
    for path in (cpu, heap):
        with open(path, "rb") as file:
            data = file.read()
        violations = pprof_rules.check(data, pprof_rules.Options(files=True))
        assert not violations, violations[:10]
        differences = agree.check(bodies, data)
        assert not differences, differences[:10]


def test_the_tools_show_them(directory):
    record(directory)
    cpu, = harness.pprof_files(directory)
    dump = subprocess.run([harness.OTPROF, "dump", cpu], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    shown = [plain(line.strip()).rstrip() + " (" + line.rpartition(" (")[2] for line in dump.splitlines()]
    expected = [f"{name} ({file}:{line})" for name, file, line in BURN]
    assert any(shown[i:i + 3] == expected for i in range(len(shown))), dump[:4000]
    top = subprocess.run([harness.OTPROF, "top", cpu], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    first = next(line for line in top.splitlines() if "inlined_" in line)
    assert "mix" in first, top
    page = os.path.join(directory, "flame.html")
    subprocess.run([harness.OTPROF, "view", "--output", page, cpu], check=True)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert "twice" in text and "burn" in text


def test_go_lists_the_source(directory):
    go = subprocess.run(["go", "version"], env=harness.environment(preload=False),
                        stdout=subprocess.DEVNULL, check=False)
    if go.returncode != 0:
        raise harness.Skip("no go")
    record(directory)
    cpu, = harness.pprof_files(directory)
    listed = subprocess.run(["go", "tool", "pprof", "-symbolize=none", "-list", "mix", cpu],
                            env=harness.environment(preload=False), check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    line, = [line for line in listed.splitlines() if line.endswith("// the leaf")]
    flat, _, number = line.split()[:3]
    assert flat.endswith("s") and number == f"{line_of('the leaf')}:", line


def test_without_them_profiles_have_names_only(directory):
    with harness.Receiver() as receiver:
        result = harness.run([PROGRAM], OTPROF_CPU_HZ="1000", OTPROF_HEAP="false",
                             OTPROF_EXIT_TIMEOUT="30s", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert result.returncode == 0 and result.stderr == b"", result
    found = otlp_chains([body for _, _, body in receiver.requests])
    assert all(file == "" and line == 0 for links in found for _, file, line in links), found
    assert any(links and links[0][0] == "burn" for links in found), found


harness.main(globals())
