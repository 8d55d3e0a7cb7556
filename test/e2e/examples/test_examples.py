# SPDX-License-Identifier: Apache-2.0
"""The examples do what their pages say.

Environment: what harness.py wants, WORD_COUNT, SESSION_CACHE, TRACED_SERVICE.
"""
import os
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
import harness  # noqa: E402: found through the path set above

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def otprof(*arguments, **options):
    result = subprocess.run([harness.OTPROF, *arguments], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.PIPE, env=harness.environment(preload=False),
                            check=False, timeout=100, **options)
    assert result.returncode == 0, result
    return result



def profile(directory, *command):
    out = os.path.join(directory, "profile")
    otprof("run", "--out", out, *command)
    for name in ("cpu.pb.gz", "heap.pb.gz", "flame.html"):
        assert os.path.exists(os.path.join(out, name)), name
    return os.path.join(out, "cpu.pb.gz"), os.path.join(out, "heap.pb.gz")


def test_cpu_profiling(directory):
    cpu, _ = profile(directory, "--hz", "1000", "--", os.environ["WORD_COUNT"], "3")
    table = otprof("top", "--total", cpu).stdout
    share = {name: float(total) for total, name in
             re.findall(r"([\d.]+)  (comes_before|count_words)\b", table)}
    assert share["comes_before"] > 50, table
    assert share["comes_before"] > share.get("count_words", 0), table


def test_memory_profiling(directory):
    _, heap = profile(directory, "--", os.environ["SESSION_CACHE"])
    for type_name, wanted in (("inuse_space", "remember_session"), ("alloc_space", "handle_request")):
        table = otprof("top", "--total", "--type", type_name, heap).stdout
        share = {name: float(total) for total, name in
                 re.findall(r"([\d.]+)  (remember_session|handle_request)\b", table)}
        assert share.get(wanted, 0) > 50, (type_name, table)
    leaks = otprof("leaks", heap).stdout
    assert "remember_session" in leaks, leaks


def get(port, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def test_trace_correlation(directory):
    out = os.path.join(directory, "profile")
    service = subprocess.Popen(
        [harness.OTPROF, "run", "--hz", "1000", "--out", out, "--", os.environ["TRACED_SERVICE"]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=harness.environment(preload=False, OTPROF_HEAP_INTERVAL="16KiB"))
    try:
        port = re.search(r"listening on (\d+)", service.stdout.readline()).group(1)
        parent = f"00-{TRACE}-00f067aa0ba902b7-01"
        assert get(port, "/report?n=400", traceparent=parent)
        for _ in range(5):
            assert get(port, "/orders?n=3000")
        try:
            get(port, "/quit")
        except OSError:
            pass  # it ends without an answer
        service.wait(60)
    finally:
        if service.poll() is None:
            service.kill()
    assert service.returncode == 0, service.stderr.read()
    cpu, heap = os.path.join(out, "cpu.pb.gz"), os.path.join(out, "heap.pb.gz")

    of_trace = otprof("top", "--trace", TRACE, cpu, heap).stdout
    assert "make_report" in of_trace and "look_up_orders" not in of_trace, of_trace
    cpu_share = float(re.search(r"of all: .*?([\d.]+) % of [^,]* cpu", of_trace).group(1))
    assert 40 < cpu_share < 90, of_trace  # some two thirds
    space = float(re.search(r"([\d.]+) % of [^,]* inuse_space", of_trace).group(1))
    assert space > 80, of_trace
    of_route = otprof("top", "--label", "http.route=/orders", cpu).stdout
    assert "look_up_orders" in of_route and "make_report" not in of_route, of_route
    # Requests without a traceparent have labels, but no trace.
    both = otprof("top", "--label", "http.route=/orders", "--trace", TRACE, cpu).stdout
    assert both == "no such samples\n", both


harness.main({name: value for name, value in globals().items() if name.startswith("test_")})
