# SPDX-License-Identifier: Apache-2.0
"""otprof top, view and dump on files that are right, and on files that are not."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from harness import functions, main, otprof, page_data, write
from synthetic import cpu_request, pprof

PPROF = pprof(["samples/count", "cpu/nanoseconds"],
              [(["main", "f", "f"], [3, 30_000_000], {"thread name": "one"}),
               (["main", "g"], [1, 10_000_000], {"thread name": "two"})])
OTLP = cpu_request([(["main", "f"], 3, "one")])


def test_both_formats_raw_and_compressed(directory):
    for name, content in (("a", PPROF), ("b", OTLP)):
        for compress in (False, True):
            path = write(directory, name, content, compress)
            result = otprof("top", path)
            assert result.returncode == 0, result.stderr
            assert result.stdout.splitlines()[2].split()[6] == "f", result.stdout


def test_top_counts_recursion_once(directory):
    result = otprof("top", "-n", "2", write(directory, "a", PPROF))
    lines = result.stdout.splitlines()
    assert lines[0] == "cpu: 4 samples, 40.0 ms of CPU time", lines
    assert len(lines) == 4, lines
    assert lines[2].split()[:7] == ["30.0", "ms", "75.0", "30.0", "ms", "75.0", "f"], lines
    total = otprof("top", "--total", "-n", "1", write(directory, "a", PPROF)).stdout.splitlines()[2]
    assert total.split()[5:7] == ["100.0", "main"], total


def test_files_are_added_up_and_types_chosen(directory):
    one, two = write(directory, "a", PPROF), write(directory, "b", OTLP, True)
    assert "cpu: 7 samples, 70.0 ms" in otprof("top", one, two).stdout
    line = otprof("top", "--type", "samples", one, one).stdout.splitlines()[2]
    assert line.split()[:5] == ["6", "75.0", "6", "75.0", "f"], line
    result = otprof("top", "--type", "wall", one)
    assert result.returncode == 1
    assert result.stderr == ("otprof: no sample type 'wall' in the cpu profile; it has samples, "
                             "cpu\n"), result.stderr


def test_view(directory):
    out = os.path.join(directory, "page.html")
    result = otprof("view", "-o", out, write(directory, "a", PPROF), write(directory, "b", OTLP))
    assert (result.returncode, result.stdout) == (0, out + "\n"), result
    with open(out, encoding="utf-8") as file:
        document = page_data(file.read())
    assert document["title"] == "a and 1 more"
    assert functions(document) == {"f": 6, "g": 1}
    result = otprof("view", "-o", "/nowhere/page.html", write(directory, "a", PPROF))
    assert result.returncode == 1 and "/nowhere" in result.stderr, result.stderr


def test_dump_is_stable(directory):
    path = write(directory, "a", PPROF)
    first = otprof("dump", path).stdout
    assert first == otprof("dump", path).stdout
    assert first.splitlines()[1:6] == ["profile:", "  time: 0 ns, duration: 0 ns", "  period: 0 /",
                                       "  sample type: samples/count",
                                       "  sample type: cpu/nanoseconds (default)"], first
    assert "  sample: 3 30000000\n    thread name = one\n    0x1001\n      f\n" in first, first
    otlp = otprof("dump", write(directory, "b", OTLP)).stdout
    assert "  resource service.name = shop\n" in otlp, otlp
    assert "0x400001 [native] /usr/bin/app\n      f\n" in otlp, otlp


def test_what_is_no_profile_is_one_line_and_status_1(directory):
    for name, content, text in (
            ("empty", b"", "the file is empty"),
            ("text", b"plain text\n", "not a profile: "),
            ("cut", PPROF[:-5], "not a profile: "),
            ("gzip", b"\x1f\x8b\x08\xffgarbage", "the gzip data is damaged"),
            ("index", cpu_request([(["f"], 1, None)])[:-9], "not a profile: ")):
        path = write(directory, name, content)
        for command in ("top", "dump"):
            result = otprof(command, path)
            assert result.returncode == 1, (name, result)
            assert result.stderr.startswith(f"otprof: {path}: {text}"), result.stderr
            assert result.stderr.count("\n") == 1, result.stderr
    for path, text in ((os.path.join(directory, "none"), "No such file or directory"),
                       (directory, "is a directory")):
        result = otprof("top", path)
        assert (result.returncode, result.stderr) == (1, f"otprof: {path}: {text}\n"), result


def test_output_that_cannot_be_written_is_an_error(directory):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = otprof("top", write(directory, "a", PPROF), stdout=full)
    assert result.returncode == 1 and "No space left" in result.stderr, result


main(globals())
