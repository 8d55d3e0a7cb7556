# SPDX-License-Identifier: Apache-2.0
"""The agent's thread is stopped for seconds, as by a debugger, while the program allocates and frees
hundreds of thousands of blocks, each of them sampled. The program must not wait for it at all; every
sample that found no room must be counted; and every block that was freed must be known as freed.
"""
import ctypes
import os
import subprocess
import time

import heap_harness as harness

THREADS = 4
BLOCKS = 100_000
STOPPED_SECONDS = 3
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) != 0:
        raise harness.Skip(f"ptrace is refused: {os.strerror(ctypes.get_errno())}")


def agent_thread(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as comm:
            if comm.read() == "otprof\n":
                return int(tid)
    raise AssertionError("the agent has no thread")


def state(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/stat", encoding="utf-8") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def test_nothing_waits_for_a_thread_that_stands_still(_):
    with harness.Receiver() as receiver:
        program = subprocess.Popen(
            [os.environ["PAIRS"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=harness.environment(OTPROF_CPU="false", OTPROF_HEAP_INTERVAL="1",
                                    OTPROF_EXIT_TIMEOUT="30s",
                                    OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url))
        try:
            assert program.stdout.readline() == b"ready\n"
            tid = agent_thread(program.pid)
            ptrace(PTRACE_SEIZE, tid)
            ptrace(PTRACE_INTERRUPT, tid)
            os.waitpid(tid, WALL)
            began = time.monotonic()
            program.stdin.write(b"\n")
            program.stdin.flush()
            assert program.stdout.readline() == b"done\n"
            assert state(program.pid, tid) == "t", "the agent's thread was not stopped"
            time.sleep(max(0, began + STOPPED_SECONDS - time.monotonic()))
            ptrace(PTRACE_DETACH, tid)
            program.communicate(timeout=60)
            assert program.returncode == 0, program
        finally:
            program.kill()
    windows = harness.heap_windows(receiver)
    assert len(windows) == 1, len(windows)
    counters = windows[0].attributes
    print(counters)
    assert counters["otprof.heap.allocated.calls"] >= THREADS * BLOCKS
    lost = counters["otprof.samples.lost"]
    assert lost > THREADS * BLOCKS / 2, "the ring held everything: nothing was tried"
    assert counters["otprof.samples.taken"] + lost == counters["otprof.heap.allocated.calls"]
    assert harness.sums_by_leaf(windows[0]).get("work", {}).get("inuse_objects", 0) == 0
    live = [row for row in windows[0].rows if row.values.get("inuse_objects")
            and any("work" in function for function in row.stack)]
    assert not live, live


if __name__ == "__main__":
    harness.main(globals())
