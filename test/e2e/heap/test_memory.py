# SPDX-License-Identifier: Apache-2.0
"""What resident memory is used for, in a program of which it is known: 60 MiB of small blocks and 10 MiB in each
of four threads, of which every second block is free again; 5 MiB of stack in each thread; 40 MiB mapped and touched;
20 MiB of a file.
"""
import os

import heap_harness as harness

MEGA = 1 << 20


def split(receiver):
    """Of the window with the most memory: one that closed while all of it was there."""
    windows = harness.heap_windows(receiver)
    fullest = max(windows, key=lambda window: window.attributes["otprof.memory.anonymous"])
    prefix = "otprof.memory."
    return {name.removeprefix(prefix): value for name, value in fullest.attributes.items()
            if name.startswith(prefix)}


def measure(directory, preload=None, **options):
    path = os.path.join(directory, "twenty")
    with open(path, "wb") as file:
        file.write(b"x" * (20 * MEGA))
    with harness.Receiver() as receiver:
        result = harness.profile(receiver, [os.environ["MEMORY"], path], preload=preload,
                                 EXPORT_INTERVAL="500ms", HEAP_INTERVAL="64KiB", **options)
    anonymous, file_bytes = map(int, result.stdout.split())
    return split(receiver), anonymous, file_bytes


def check(what, got, least, most):
    assert least * MEGA <= got <= most * MEGA, f"{what}: {got / MEGA:.1f} MiB, not {least} to {most}"


def test_each_kind_is_told(directory):
    told, anonymous, file_bytes = measure(directory)
    # 100 MiB of blocks with their headers, and the table of those blocks while it is filled.
    check("heap", told["heap"], 99, 106)
    # Every second block. The estimate of the other half has a standard deviation of 1.8 MiB.
    check("overhead", told["heap.overhead"], 50 - 8, 50 + 10)
    # Beside the five of each: what libc and the main thread have used.
    check("stacks", told["stacks"], 20, 21)
    # Beside the forty: the agent's own, data of libraries, and stacks that libc keeps.
    check("mapped", told["mapped"], 40, 40 + 12)
    assert told["heap"] + told["stacks"] + told["mapped"] == told["anonymous"], told
    check("anonymous", told["anonymous"] - anonymous, -4, 4)
    check("file", told["file"] - file_bytes, -4, 4)


def test_without_live_blocks(directory):
    told, _, _ = measure(directory, HEAP_LIVE="false")
    assert "heap.overhead" not in told, told
    check("heap", told["heap"], 99, 106)


def test_the_bundled_allocator(directory):
    """By its own statistics, large blocks included. It groups blocks of one size: half of what it keeps is
    free, and goes back to the kernel only where a whole page is."""
    told, anonymous, _ = measure(directory, ALLOCATOR="jemalloc")
    check("heap", told["heap"], 99, 125)
    check("overhead", told["heap.overhead"], 45, 75)
    check("stacks", told["stacks"], 20, 21)
    check("mapped", told["mapped"], 40, 40 + 16)
    assert told["heap"] + told["stacks"] + told["mapped"] == told["anonymous"], told
    check("anonymous", told["anonymous"] - anonymous, -4, 4)


def test_another_allocator(directory):
    """Where its heaps are is not known: they are in what is mapped."""
    path = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
    if not os.path.exists(path):
        raise harness.Skip("libjemalloc.so.2 is not installed")
    told, _, _ = measure(directory, preload=f"{harness.LIBOTPROF}:{path}")
    assert "heap" not in told and "heap.overhead" not in told, told
    check("stacks", told["stacks"], 20, 21)
    check("mapped", told["mapped"], 90, 170)


if __name__ == "__main__":
    harness.main(globals())
