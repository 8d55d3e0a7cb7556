# SPDX-License-Identifier: Apache-2.0
"""At interval 1 nothing is estimated: every function of the allocation family, called a known number of
times, shows exactly that in the profile, under whatever allocator the program has; and the
exact counters agree with the sums over all samples.
"""
import os
import re

import heap_harness as harness

BLOCKS = 1000
KEPT = 10
# By site: sizes of the blocks that each of the thousand rounds makes; the last one is kept or freed.
SITES = {
    "malloc": [101], "malloc_zero": [0], "calloc": [203], "realloc_null": [307],
    "realloc": [50, 5003], "realloc_shrink": [4001, 33], "realloc_fails": [211],
    "reallocarray": [405], "memalign": [503], "aligned_alloc": [640], "posix_memalign": [701],
    "valloc": [809], "pvalloc": [907], "free_sized": [1009], "cfree": [1103], "new": [1201],
    "new_array": [1301], "new_nothrow": [1409], "new_aligned": [1536],
}


def expected(sizes):
    values = {"alloc_objects": BLOCKS * len(sizes), "alloc_space": BLOCKS * sum(sizes),
              "inuse_objects": KEPT, "inuse_space": KEPT * sizes[-1]}
    return {kind: value for kind, value in values.items() if value}


def check_family(unseen=(), left_out=(), program=os.environ["FAMILY"], **options):
    """`unseen`: sites of which there must be no trace. `left_out`: those that do not run."""
    with harness.Receiver() as receiver:
        harness.profile(receiver, [program, *left_out], HEAP_INTERVAL=1, **options)
    windows = harness.heap_windows(receiver)
    assert len(windows) == 1, len(windows)
    sums = harness.sums_by_leaf(windows[0])
    faults = []
    for name, sizes in SITES.items():
        found = sums.get(f"site_{name}", {})
        wanted = {} if name in unseen or name in left_out else expected(sizes)
        if found != wanted:
            faults.append(f"site_{name}: {found}, not {wanted}")
    assert not faults, "\n".join(faults)
    allocators = re.compile(r"((m|c|re|v|pv)alloc|memalign|operator new.*)$")
    assert not list(filter(allocators.match, sums)), sums.keys()
    return windows[0], sums


def test_every_function_is_seen_exactly(_):
    window, sums = check_family()
    totals = {kind: sum(site.get(kind, 0) for site in sums.values())
              for kind in ("alloc_objects", "alloc_space", "inuse_objects")}
    counters = window.attributes
    assert "otprof.heap.operator_new.unseen" not in counters, counters
    assert counters["otprof.samples.lost"] == 0, counters
    assert counters["otprof.heap.samples.not_followed"] == 0, counters
    assert counters["otprof.heap.allocated.calls"] == totals["alloc_objects"], (counters, totals)
    assert counters["otprof.heap.allocated.bytes"] == totals["alloc_space"], (counters, totals)
    in_use = sum(site.get("inuse_space", 0) for site in sums.values())
    assert counters["otprof.heap.freed.bytes"] == totals["alloc_space"] - in_use, (counters, in_use)
    freed = totals["alloc_objects"] - totals["inuse_objects"]
    # Blocks that were there before the agent may be freed as well.
    assert 0 <= counters["otprof.heap.freed.calls"] - freed <= 20, (counters, freed)


def test_every_function_is_seen_with_the_bundled_allocator(_):
    window, sums = check_family(ALLOCATOR="jemalloc")
    assert "otprof.heap.operator_new.unseen" not in window.attributes, window.attributes
    allocated = sum(site.get("alloc_space", 0) for site in sums.values())
    assert window.attributes["otprof.heap.allocated.bytes"] == allocated, (window.attributes, sums)


HOLDING = """
import time
held = bytes(60 << 20).replace(b"\\0", b"x")
time.sleep(1.5)
for line in open("/proc/self/status"):
    if line.startswith("Rss"): print(line.split()[1])
time.sleep(0.5)
"""


def test_memory_is_told_as_the_kernel_counts_it(_):
    with harness.Receiver() as receiver:
        result = harness.profile(receiver, ["/usr/bin/python3", "-S", "-E", "-c", HOLDING],
                                 EXPORT_INTERVAL="500ms")
    windows = harness.heap_windows(receiver)
    told = [[window.attributes[f"otprof.memory.{kind}"] for kind in ("anonymous", "file", "shared")]
            for window in windows]
    counted = [int(kib) * 1024 for kib in result.stdout.split()]
    # The windows end before and after; the agent's own memory comes and goes.
    assert any(all(abs(t - c) < 4 << 20 for t, c in zip(each, counted)) for each in told), (
        told, counted)
    assert max(sum(row.values.get("inuse_space", 0) for row in window.rows)
               for window in windows) > 55 << 20


LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PLAIN_NEWS = ["new", "new_array", "new_nothrow"]
NEWS = PLAIN_NEWS + ["new_aligned"]


def library(name):
    path = f"{LIBRARIES}/{name}"
    if not os.path.exists(path):
        raise harness.Skip(f"{name} is not installed")
    return path


def check_allocator(name, unseen, left_out=()):
    """As the next allocator everything it leaves to us is exact; preloaded before the agent it hides
    all, which is said once, and the program runs as ever."""
    window, _ = check_family(unseen, left_out, preload=f"{harness.LIBOTPROF}:{library(name)}")
    assert window.attributes["otprof.heap.operator_new.unseen"] == 1
    # The agent's cfree and free_sized are reached all the same, and must give blocks to whom they came from.
    result = harness.run([os.environ["FAMILY"], *left_out], OTPROF_EXPORTERS="none",
                         OTPROF_CPU="false", LD_PRELOAD=f"{library(name)}:{harness.LIBOTPROF}")
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 0 and len(lines) == 1 and "malloc is not reached" in lines[0], result


def test_operator_new_is_seen_by_way_of_libstdcxx(_):
    """Preloaded in between, its operator new is the first, and calls malloc."""
    for name, left_out in (("libjemalloc.so.2", ["pvalloc"]), ("libtcmalloc_minimal.so.4", []),
                           ("libmimalloc.so.2.0", [])):
        preload = f"{harness.LIBOTPROF}:{library('libstdc++.so.6')}:{library(name)}"
        window, _ = check_family(left_out=left_out, preload=preload)
        assert "otprof.heap.operator_new.unseen" not in window.attributes, name


def test_jemalloc(_):
    check_allocator("libjemalloc.so.2", PLAIN_NEWS, ["pvalloc"])


def test_tcmalloc(_):
    check_allocator("libtcmalloc_minimal.so.4", NEWS)


def test_mimalloc(_):
    check_allocator("libmimalloc.so.2.0", NEWS)


def test_linked_allocator(_):
    """An allocator that the program itself is linked to."""
    program = os.environ["FAMILY_JEMALLOC"]
    if not program:
        raise harness.Skip("libjemalloc.so.2 is not installed")
    check_family(PLAIN_NEWS, ["pvalloc"], program=program)


if __name__ == "__main__":
    harness.main(globals())
