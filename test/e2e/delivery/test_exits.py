# SPDX-License-Identifier: Apache-2.0
"""Every way a program can end, at a receiver that answers, one that never does, and one that is not
there, with a spool and without: exit status, signal and core dump are what they are without the agent,
the end comes within OTPROF_EXIT_TIMEOUT, and the last window is delivered, or on disk, exactly once.
"""
import concurrent.futures
import os
import resource
import tempfile
import time

import paths
import harness
from decoded import leaf_counts, requests_of, without_repeats
from fault_server import silence
from receiver import AckingServer

# What steady.cc does at its end, and what becomes of it.
ENDS = ["return", "exit", "quick_exit", "_exit", "_Exit", "abort", "throw", "SIGTERM", "SIGINT", "SIGHUP",
        "thread _exit", "pthread_exit"]
TIMEOUT = 0.8


def run(end, directory, **variables):
    """(status as wait() gives it, seconds from the end of its work to its own, allocations)."""
    notes = os.path.join(directory, "notes")
    command = [paths.STEADY, notes, "0.3", "end", end]
    environment = harness.environment(
        OTPROF_HEAP_INTERVAL="1", OTPROF_HEAP_LIVE="false", OTPROF_LOG_LEVEL="error",
        OTPROF_EXIT_TIMEOUT=f"{int(TIMEOUT * 1000)}ms", **variables)
    pid = os.fork()
    if pid == 0:
        os.chdir(directory)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        os.execve(command[0], command, environment)
    _, status = os.waitpid(pid, 0)
    ended = time.monotonic_ns()
    with open(notes, "rb") as file:
        numbers = [int.from_bytes(file.read(8), "little") for _ in range(2000)]
    begun = numbers[0]
    return status, (ended - numbers[begun]) / 1e9, begun


def check(end, bare_status, receiver, with_spool):
    with tempfile.TemporaryDirectory(prefix="otprof-exits-") as directory:
        spool = os.path.join(directory, "spool")
        behave = (lambda number: silence) if receiver == "silent" else None
        with AckingServer(behave, listen=receiver != "away") as server:
            options = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.base()}
            if with_spool:
                options["OTPROF_SPOOL_DIR"] = spool
            status, took, begun = run(end, directory, **options)
            accepted = list(server.accepted)
            if with_spool:
                # A disk that is busy may not have taken the whole window yet; then there is its journal.
                # A receiver that is well has the window already, unless there was no time left for it.
                windows = [name for name in os.listdir(spool) if name.endswith(".otlp")]
                assert len(windows) == 1 or (receiver == "well" and not windows), \
                    f"{end}: {os.listdir(spool)}"
                with AckingServer() as later:
                    harness.run([paths.STEADY, os.path.join(directory, "next"), "0"],
                                OTEL_EXPORTER_OTLP_ENDPOINT=later.base(), OTPROF_SPOOL_DIR=spool,
                                OTPROF_HEAP="false")
                    accepted += later.accepted
            arrived = sum(counts(accepted).values())
        where = f"{end}, receiver {receiver}, {'with' if with_spool else 'without'} a spool"
        assert status == bare_status, f"{where}: status {status:#x}, without the agent {bare_status:#x}"
        # A busy machine may let a thread wait for its CPU; a hang would last for ever.
        assert took < TIMEOUT + 3, f"{where}: it took {took:.1f} s"
        if with_spool or receiver == "well":
            assert arrived == begun, f"{where}: {arrived} of {begun} allocations arrived"
        return took


def counts(bodies):
    requests, _ = without_repeats(requests_of(bodies))
    return leaf_counts(requests, "alloc_objects", r"site<(\d+)")


def test_ends(directory):
    for receiver in ("well", "silent", "away"):
        for with_spool in (False, True):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                took = list(pool.map(lambda end: check(end, bare[end], receiver, with_spool), ENDS))
            print(f"receiver {receiver:7} spool {with_spool!s:6} ends took "
                  f"{min(took):.2f} to {max(took):.2f} s")


with tempfile.TemporaryDirectory(prefix="otprof-exits-") as scratch:
    bare = {}
    for name in ENDS:
        bare[name], _, _ = run(name, scratch, OTPROF_ENABLED="false")
        assert bare[name] != 0, name
harness.main(globals())
