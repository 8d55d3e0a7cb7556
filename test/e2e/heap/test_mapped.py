# SPDX-License-Identifier: Apache-2.0
"""OTPROF_HEAP_MMAP: memory that a program maps itself. At interval 1 every call shows exactly, to the page;
with samples the estimates hold within their error; and what an allocator maps is not counted beside the
blocks it makes of it.
"""
import math
import os

import heap_harness as harness

PROGRAM = os.environ["MAPPED"]
PAGE = 4096

# By site: blocks and pages that are made, blocks and pages that are left.
SITES = {
    "plain": (10, 160, 3, 48),
    "odd": (1, 2, 1, 2),  # 5000 bytes
    "partial": (1, 16, 1, 7),
    "under": (1, 12, 1, 6),
    "over": (1, 4, 1, 3),
    "commit": (1, 3, 1, 2),  # within 1 GiB of PROT_NONE, which is nothing
    "small": (1, 4, 0, 0),
    "grow": (1, 100, 1, 100),
    "grow_in_place": (2, 60, 1, 20),
    "shrink": (1, 100, 1, 30),
    "target": (1, 20, 1, 15),
    "move": (2, 14, 1, 5),
    "leave_mapped": (2, 12, 2, 12),
    "failing": (1, 7, 1, 7),
    "under_file": (1, 8, 1, 7),
    "shared": (1, 5, 1, 5),
    "gone": (1, 50, 0, 0),
    "in_its_place": (1, 50, 1, 50),
    "syscall": (1, 11, 1, 8),
}


def mapped(window):
    """{function: {value type: sum}} of mapped blocks alone."""
    only = harness.Window()
    only.rows = [row for row in window.rows if row.labels.get("otprof.heap.kind") == "mmap"]
    return harness.sums_by_leaf(only)


def profile(*arguments, interval=1, **options):
    with harness.Receiver() as receiver:
        result = harness.profile(receiver, [PROGRAM, *arguments], HEAP_INTERVAL=interval,
                                 **{"HEAP_MMAP": "true", **options})
    windows = harness.heap_windows(receiver)
    assert len(windows) == 1, len(windows)
    counters = windows[0].attributes
    assert counters["otprof.samples.lost"] == 0, counters
    assert counters["otprof.heap.samples.not_followed"] == 0, counters
    return windows[0], mapped(windows[0]), result.stdout.decode()


def expected(made, made_pages, left, left_pages):
    values = {"alloc_objects": made, "alloc_space": made_pages * PAGE, "inuse_objects": left,
              "inuse_space": left_pages * PAGE}
    return {kind: value for kind, value in values.items() if value}


def check_family(found, sites):
    wanted = {f"site_{name}": expected(*values) for name, values in sites.items()}
    faults = [f"{site}: {found.get(site)}, not {wanted.get(site)}"
              for site in sorted(wanted.keys() | found.keys()) if found.get(site) != wanted.get(site)]
    assert not faults, "\n".join(faults)


def test_every_call_is_seen_exactly(_):
    window, found, _ = profile("family")
    check_family(found, SITES)
    counters = window.attributes
    assert counters["otprof.heap.mapped.calls"] == sum(made for made, _, _, _ in SITES.values())
    assert counters["otprof.heap.mapped.bytes"] == PAGE * sum(p for _, p, _, _ in SITES.values())
    assert counters["otprof.heap.mapped.unknown"] == 0, counters
    # They are no allocations by malloc.
    allocated = sum(row.values.get("alloc_space", 0) for row in window.rows
                    if "otprof.heap.kind" not in row.labels)
    assert counters["otprof.heap.allocated.bytes"] == allocated, (counters, allocated)


def test_nothing_is_left_after_everything_is_unmapped(_):
    _, found, _ = profile("released")
    check_family(found, {name: (made, pages, 0, 0) for name, (made, pages, _, _) in SITES.items()})


def test_nothing_is_seen_unless_it_is_asked_for(_):
    window, found, _ = profile("family", HEAP_MMAP="false")
    assert not found, found
    assert not [name for name in window.attributes if name.startswith("otprof.heap.mapped")], window.attributes


def test_small_blocks_are_left_out(_):
    _, found, _ = profile("family", HEAP_MIN_SIZE=6 * PAGE)
    # Growing a block that was left out makes one that is not.
    assert "site_small" not in found and "site_odd" not in found, found
    assert found["site_grow"] == expected(*SITES["grow"]), found
    assert found["site_partial"] == expected(*SITES["partial"]), found


def test_estimates(_):
    """20,000 blocks of 64 KiB at 512 KiB: every fourth is kept, half of those without 8 of their 16 pages."""
    interval = 512 << 10
    _, found, _ = profile("sampled", interval=interval)
    size = 16 * PAGE
    p = -math.expm1(-size / interval)
    made = 20_000
    site = found["site_kept"]
    # 4 standard deviations: beyond them by chance once in 16,000 comparisons.
    for kind, truth, square in (("alloc_objects", made, made),
                                ("alloc_space", made * size, made * size ** 2),
                                ("inuse_objects", made / 4, made / 4),
                                ("inuse_space", made * size * 3 / 16, made * size ** 2 * 5 / 32)):
        sigma = math.sqrt(square * (1 - p) / p)
        assert abs(site[kind] - truth) < 4 * sigma, (kind, site[kind], truth, sigma)


def test_threads(_):
    for _ in range(3):
        window, found, printed = profile("threads")
        live = sum(values.get("inuse_space", 0) for values in found.values())
        assert live == int(printed), (live, printed, window.attributes)
        assert window.attributes["otprof.heap.mapped.unknown"] == 0, window.attributes


def test_wrapped_calls_are_counted_once(_):
    wrapper = os.environ["MAPPED_WRAPPER"]
    for preload in (f"{harness.LIBOTPROF}:{wrapper}", f"{wrapper}:{harness.LIBOTPROF}"):
        _, found, _ = profile("family", preload=preload)
        check_family(found, SITES)


LIBRARIES = "/usr/lib/x86_64-linux-gnu"


def check_allocator(name):
    path = f"{LIBRARIES}/{name}"
    if not os.path.exists(path):
        raise harness.Skip(f"{name} is not installed")
    _, found, _ = profile("family", preload=f"{harness.LIBOTPROF}:{path}")
    check_family(found, SITES)


def test_jemalloc_is_not_counted_twice(_):
    check_allocator("libjemalloc.so.2")


def test_tcmalloc_is_not_counted_twice(_):
    check_allocator("libtcmalloc_minimal.so.4")


def test_mimalloc_is_not_counted_twice(_):
    check_allocator("libmimalloc.so.2.0")


if __name__ == "__main__":
    harness.main(globals())
