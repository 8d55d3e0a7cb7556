# SPDX-License-Identifier: Apache-2.0
"""Programs in several languages, put together in several ways, each with 150 ms of CPU time and 4 MiB
inside a span and the double of it outside: every sample taken inside carries the span, none outside
does, on the CPU and on the heap.

Environment: what harness.py wants, PROGRAMS (where they were built), RUST_SOURCE.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
import harness  # noqa: E402: found through the path set above

PROGRAMS = os.environ["PROGRAMS"]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def rows(path):
    """(function names of the stack, string labels, {type: value}) of each sample."""
    profile = harness.read_pprof(path)
    text = profile.string_table
    types = [text[t.type] for t in profile.sample_type]
    functions = {f.id: text[f.name] for f in profile.function}
    names = {place.id: [functions[line.function_id] for line in place.line]
             for place in profile.location}
    for sample in profile.sample:
        yield ({name for id in sample.location_id for name in names[id]},
               {text[label.key]: text[label.str] for label in sample.label if label.str},
               dict(zip(types, sample.value)))


def check(directory, command, route=None, warning=None):
    bare = harness.run(command, preload=False)
    assert bare.returncode == 0 and bare.stdout == b"" and bare.stderr == b"", bare
    result = harness.run(command, OTPROF_CPU_HZ="1000", OTPROF_EXPORTERS="pprof",
                         OTPROF_PPROF_DIR=directory, OTPROF_EXIT_TIMEOUT="30s")
    assert result.returncode == 0 and result.stdout == b"", result
    assert (warning.encode() in result.stderr) if warning else result.stderr == b"", result
    for kind, what, least in (("cpu", "samples", 100), ("heap", "inuse_space", 3 << 20)):
        inside, outside = 0, 0
        path, = harness.pprof_files(directory, kind)
        for functions, labels, values in rows(path):
            linked = labels.get("trace_id"), labels.get("span_id")
            if "inside_span" in functions and not warning:
                inside += values[what]
                assert linked == (TRACE, SPAN), (kind, labels)
                assert labels.get("http.route") == route, (kind, labels)
            elif "outside_span" in functions:
                outside += values[what]
                assert linked == (None, None) and "http.route" not in labels, (kind, labels)
        assert outside >= 2 * least, (kind, outside)
        assert warning or inside >= least, (kind, inside)


def program(name):
    return os.path.join(PROGRAMS, "trace_" + name)


def library(name):
    return os.path.join(PROGRAMS, f"libtrace_{name}.so")


def test_c_linked_as_always(directory):
    check(directory, [program("plain_c")], "/c")


def test_c_without_pie(directory):
    check(directory, [program("no_pie")], "/c")


def test_cpp_that_exports_the_slot(directory):
    check(directory, [program("cpp")], "/cpp")


def test_program_that_defines_the_slot_itself(directory):
    check(directory, [program("own_symbol")], "/own")


def test_keys_by_their_position_in_the_published_map(directory):
    check(directory, [program("published_keys")], "/published")


def test_library_that_shares_the_slot(directory):
    check(directory, [program("linked")], "/library")


def test_library_that_is_bound_to_its_own_slot(directory):
    check(directory, [program("linked_symbolic")], "/library")


def test_library_opened_late(directory):
    check(directory, [program("opener"), library("plain")], "/library")


def test_library_opened_late_whose_own_slot_cannot_be_read_is_said(directory):
    for name in ("symbolic", "descriptors"):
        path = os.path.join(directory, name)
        os.mkdir(path)
        check(path, [program("opener"), library(name)], warning="otel_thread_ctx_v1 of its own")


def test_opentelemetry_cpp(directory):
    check(directory, [program("opentelemetry")], "/sdk")


def test_rust(directory):
    rustc = shutil.which("rustc", path=os.environ.get("CARGO_PATH", "") + ":" + os.environ["PATH"])
    if rustc is None:
        raise harness.Skip("no rustc here")
    built = os.path.join(directory, "rust")
    result = subprocess.run([rustc, "-O", "-o", built, os.environ["RUST_SOURCE"]], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0 and "toolchain" in result.stdout:
        raise harness.Skip("rustc has no toolchain here")
    assert result.returncode == 0, result.stdout
    check(directory, [built])


harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
