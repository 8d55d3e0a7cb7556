# SPDX-License-Identifier: Apache-2.0
"""test_kill.py [TIMES]: programs are killed by SIGKILL at random moments, TIMES times in all (20),
four at a time, all of one service and with one spool directory, at a receiver that fails now and then.
In the end every allocation older than one second before the death of its program has arrived, and
exactly once: steady.cc says how that is known.
"""
import collections
import itertools
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import paths
import harness
from decoded import leaf_counts, requests_of, resource, without_repeats
from fault_server import hang_up, reply
from receiver import AckingServer

SITES = 251
AT_A_TIME = 4


def moody(number):
    # In rows: an outage of one answer would be over before a program dies.
    chance = random.Random(number // 7).random()
    return reply(503) if chance < 0.2 else hang_up if chance < 0.3 else None


class Killer:
    def __init__(self, url, directory):
        self.directory = directory
        self.spool = os.path.join(directory, "spool")
        self.environment = harness.environment(
            OTEL_SERVICE_NAME="killed", OTEL_EXPORTER_OTLP_ENDPOINT=url, OTPROF_SPOOL_DIR=self.spool,
            OTPROF_HEAP_INTERVAL="1", OTPROF_HEAP_LIVE="false", OTPROF_EXIT_TIMEOUT="10s",
            OTPROF_LOG_LEVEL="error")
        self.killed = []  # (pid, file, when)

    def kill_one(self, number):
        notes = os.path.join(self.directory, f"notes{number}")
        # Windows that end often, seldom, and never before the death.
        interval = random.choice(["300ms", "1100ms", "60s"])
        process = subprocess.Popen([paths.STEADY, notes], stderr=subprocess.PIPE,
                                   env={**self.environment, "OTPROF_EXPORT_INTERVAL": interval})
        time.sleep(random.uniform(0.05, 4))
        when = time.monotonic_ns()
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL and not errors, errors
        self.killed.append((process.pid, notes, when))

    def kill_many(self, numbers):
        while True:
            try:
                number = numbers.pop()
            except IndexError:
                return
            self.kill_one(number)

    def send_rest(self):
        """One more process of that service."""
        result = subprocess.run([paths.STEADY, os.path.join(self.directory, "last"), "0.3"],
                                env=self.environment, capture_output=True, timeout=60, check=False)
        assert (result.returncode, result.stderr) == (5, b""), result
        left = os.listdir(self.spool)
        assert not left, left


def notes_of(path):
    with open(path, "rb") as file:
        begun, = struct.unpack("Q", file.read(8))
        return begun, [time for time, in struct.iter_unpack("Q", file.read(8 * begun)) if time]


def check_one(path, when, counts):
    """How long before the death the last allocation is that has arrived, in seconds."""
    begun, times = notes_of(path)
    arrived = sum(counts.values())
    for site in range(SITES):
        expected = (arrived - site + SITES - 1) // SITES
        assert counts[site] == expected, \
            f"site {site} of {path}: {counts[site]}, in the first {arrived} there are {expected}"
    owed = sum(1 for time in times if time <= when - 1_000_000_000)
    assert owed <= arrived <= begun, f"{path}: {arrived} arrived, of {begun}; {owed} had to"
    return (when - times[arrived - 1]) / 1e9 if 0 < arrived <= len(times) else None


def main(times):
    with tempfile.TemporaryDirectory(prefix="otprof-kill-") as directory:
        with AckingServer(moody) as server:
            killer = Killer(server.base(), directory)
            numbers = list(range(times))
            threads = [threading.Thread(target=killer.kill_many, args=(numbers,))
                       for _ in range(AT_A_TIME)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(killer.killed) == times, "a thread of this test has failed"
            server.behave = None
            killer.send_rest()
            requests, repeats = without_repeats(requests_of(server.accepted))
        by_process = collections.defaultdict(list)
        for request in requests:
            by_process[resource(request)["process.pid"]].append(request)
        check_times_are_unique(requests)
        lost = []
        allocations = 0
        for pid, notes, when in killer.killed:
            counts = leaf_counts(by_process[pid], "alloc_objects", r"site<(\d+)")
            allocations += sum(counts.values())
            lost.append(check_one(notes, when, counts))
        lost = sorted(seconds for seconds in lost if seconds is not None)
        assert allocations > 100 * times, "hardly anything has arrived"
        print(f"{times} killed; {allocations} allocations, each once, in {len(requests)} requests and "
              f"{repeats} repetitions; lost at the end: median {lost[len(lost) // 2]:.2f} s, "
              f"most {lost[-1]:.2f} s")


def check_times_are_unique(requests):
    """No CPU sample is in two profiles: a thread has no two within some milliseconds. (In one profile a
    time is there as often as the sample counts. The offset between the clocks is read for each profile
    anew, so times of one sample would differ by what passes between two reads of a clock.)"""
    nearly_nothing = 5_000
    moments = collections.defaultdict(set)
    for request in requests:
        pid = resource(request)["process.pid"]
        for profile in request.profiles():
            for sample in profile.samples:
                names = dict(request.attributes(sample.attribute_indices))
                for moment in sample.timestamps_unix_nano:
                    moments[pid, names["thread.id"]].add((moment, bytes(profile.profile_id)))
    for thread, seen in moments.items():
        for (moment, profile), (next_moment, next_profile) in itertools.pairwise(sorted(seen)):
            assert profile == next_profile or next_moment - moment > nearly_nothing, \
                f"a sample of {thread} at {moment} is in two profiles"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
