# SPDX-License-Identifier: Apache-2.0
"""The profilers that are compared: how each is loaded into a program, and how what it says of CPU time is read.

Each is asked for the same: `hz` samples a second of CPU time, a sample in `interval` bytes allocated.
What can only record everything does so.
"""
import bisect
import glob
import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "/usr/lib/x86_64-linux-gnu"


class Tool:
    """`cpu`, `heap`: what it profiles. variables(directory, hz, interval): what the program gets."""

    def __init__(self, name, library, variables, cpu=False, heap=False, read=None):
        self.name = name
        self.library = library
        self.cpu = cpu
        self.heap = heap
        self._variables = variables
        self._read = read

    def environment(self, directory, hz=100, interval=512 << 10):
        return {"LD_PRELOAD": self.library, **self._variables(directory, hz, interval)}

    def cpu_times(self, directory, program):
        """{function: seconds}, by the first of PARTS on a stack, from its end; of profiles that a run left in
        `directory`."""
        return self._read(directory, program)


# The functions that programs spend their time in, which may be in calls that they make.
PARTS = ("spend_seventy", "spend_thirty")


def add(times, stack, seconds):
    part = next((name for name in stack if name in PARTS), "another")
    times[part] = times.get(part, 0) + seconds


def read_pprof(directory, _program):
    sys.path.insert(0, os.path.join(HERE, "../../conformance"))
    from messages import gunzip_if_packed, pprof  # pylint: disable=import-outside-toplevel
    times = {}
    for path in glob.glob(f"{directory}/*.cpu.pb.gz"):
        with open(path, "rb") as file:
            profile = pprof.Profile.FromString(gunzip_if_packed(file.read()))
        names = {f.id: profile.string_table[f.name] for f in profile.function}
        lines = {l.id: names[l.line[0].function_id] if l.line else "?" for l in profile.location}
        kinds = [profile.string_table[kind.type] for kind in profile.sample_type]
        for sample in profile.sample:
            add(times, [lines[index] for index in sample.location_id],
                sample.value[kinds.index("cpu")] * 1e-9)
    return times


def symbols(program):
    found = []
    for line in subprocess.run(["nm", program], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT":
            found.append((int(fields[0], 16), fields[2]))
    return sorted(found)


def name_of(pc, ranges, table):
    for low, high, offset in ranges:
        if low <= pc < high:
            at = bisect.bisect_right(table, (pc - low + offset, "~"))
            return table[at - 1][1] if at else "?"
    return "?"


def read_gperftools(directory, program):
    """Words of 8 bytes, then the text of /proc/self/maps."""
    times = {}
    table = symbols(program)
    for path in glob.glob(f"{directory}/cpu*"):
        with open(path, "rb") as file:
            data = file.read()
        words = struct.unpack(f"<{len(data) // 8}Q", data[:len(data) // 8 * 8])
        period = words[3] * 1e-6
        at = 2 + words[1]
        stacks = []
        while words[at] != 0:  # the trailer is of no samples
            depth = words[at + 1]
            stacks.append((words[at], words[at + 2:at + 2 + depth]))
            at += 2 + depth
        maps = re.findall(rf"^([0-9a-f]+)-([0-9a-f]+) r-xp ([0-9a-f]+) .* {re.escape(program)}$",
                          data[(at + 3) * 8:].decode(errors="replace"), re.M)
        ranges = [tuple(int(number, 16) for number in line) for line in maps]
        for count, stack in stacks:
            add(times, [name_of(pc, ranges, table) for pc in stack], count * period)
    return times


def read_collapsed(directory, _program):
    times = {}
    for path in glob.glob(f"{directory}/*.collapsed"):
        with open(path, encoding="utf-8") as file:
            for line in file:
                stack, _, nanoseconds = line.rpartition(" ")
                add(times, reversed(stack.split(";")), int(nanoseconds) * 1e-9)
    return times


def known_tools(agent, async_profiler=None):
    def otprof(directory, hz, interval, **more):
        return {"OTPROF_EXPORTERS": "pprof", "OTPROF_PPROF_DIR": directory, "OTPROF_CPU_HZ": str(hz),
                "OTPROF_HEAP_INTERVAL": str(interval), "OTPROF_MAX_CPU_PERCENT": "100", **more}

    def asprof(command):
        return lambda directory, hz, interval: {
            "ASPROF_COMMAND": command.format(directory=directory, ns=10 ** 9 // hz, bytes=interval)}

    yield Tool("libotprof, CPU and heap", agent, otprof, cpu=True, heap=True, read=read_pprof)
    yield Tool("  with OTPROF_ALLOCATOR=jemalloc", agent,
               lambda *args: otprof(*args, OTPROF_ALLOCATOR="jemalloc"),
               cpu=True, heap=True, read=read_pprof)
    yield Tool("gperftools, CPU", f"{LIBRARIES}/libprofiler.so.0",
               lambda directory, hz, _: {"CPUPROFILE": f"{directory}/cpu", "CPUPROFILE_FREQUENCY": str(hz)},
               cpu=True, read=read_gperftools)
    yield Tool("gperftools, heap (all)", f"{LIBRARIES}/libtcmalloc.so.4",
               lambda directory, *_: {"HEAPPROFILE": f"{directory}/heap"}, heap=True)
    yield Tool("jemalloc, heap", f"{LIBRARIES}/libjemalloc.so.2",
               lambda directory, _, interval: {
                   "MALLOC_CONF": f"prof:true,prof_final:true,prof_prefix:{directory}/je,"
                                  f"lg_prof_sample:{interval.bit_length() - 1}"}, heap=True)
    yield Tool("heaptrack (all)", "/usr/lib/heaptrack/libheaptrack_preload.so",
               lambda directory, *_: {"DUMP_HEAPTRACK_OUTPUT": f"{directory}/heaptrack"}, heap=True)
    if async_profiler:
        yield Tool("async-profiler, CPU", async_profiler,
                   asprof("start,event=cpu,interval={ns},cstack=dwarf,total,collapsed,"
                          "file={directory}/%p.collapsed"), cpu=True, read=read_collapsed)
        yield Tool("async-profiler, heap", async_profiler,
                   asprof("start,nativemem={bytes},cstack=dwarf,file={directory}/%p.jfr"), heap=True)
