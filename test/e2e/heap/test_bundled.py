# SPDX-License-Identifier: Apache-2.0
"""OTPROF_ALLOCATOR: who serves the program, and who decides it. (That programs do the same with either is
tested by e2e/agent/outputs_bundled, e2e/heap/servers and the victims.)
"""
import os

import heap_harness as harness

ROOM = os.environ["BUNDLED"]
OF_GLIBC, OF_JEMALLOC = b"5000\n", b"5120\n"
JEMALLOC = {"OTPROF_ALLOCATOR": "jemalloc"}


def room(said=None, command=(ROOM,), **variables):
    """What the program prints; `said`: part of the one line that the agent is to say."""
    result = harness.run(list(command), OTPROF_EXPORTERS="none", **variables)
    lines = result.stderr.decode().splitlines()
    assert result.returncode == 0, result
    assert len(lines) == (said is not None) and all(said in line for line in lines), lines
    return result.stdout


def test_who_serves(_):
    glibc = harness.run([ROOM], preload=False).stdout
    assert glibc == room() == room(OTPROF_ALLOCATOR="system") != OF_JEMALLOC, glibc
    assert room(**JEMALLOC) == OF_JEMALLOC
    assert room(OTPROF_ALLOCATOR=" JEmalloc ") == OF_JEMALLOC
    assert room(OTPROF_HEAP="false", OTPROF_CPU="false", **JEMALLOC) == OF_JEMALLOC
    assert room(OTPROF_ALLOCATOR="tcmalloc", said='"tcmalloc" is not accepted') == glibc


def test_who_is_left_alone(_):
    glibc = room()
    for variables in ({"OTPROF_ENABLED": "false"}, {"OTEL_SDK_DISABLED": "true"},
                      {"OTPROF_ONLY": "another,an*"}):
        assert room(**variables, **JEMALLOC) == glibc, variables
    assert room(OTPROF_ONLY="another, heap_b?ndled", **JEMALLOC) == OF_JEMALLOC


def test_programs_that_cannot_be_profiled_are_left_alone(_):
    command = [os.environ["BUNDLED_SPLIT"]]
    assert room(command=command, said="split stacks", **JEMALLOC) == room()


def test_who_comes_too_early_for_a_choice(_):
    """The program could still turn out to have split stacks."""
    preload = f"{os.environ['EARLY_LIBRARY']}:{harness.LIBOTPROF}"
    assert room(said="still being loaded", LD_PRELOAD=preload, **JEMALLOC) == room()


def test_each_process_decides(_):
    """Children by their own environment; of a variable that is there twice the first counts."""
    for child, wanted in (("system", room()), ("jemalloc", OF_JEMALLOC)):
        command = ["env", f"OTPROF_ALLOCATOR={child}", ROOM]
        assert room(command=command, **JEMALLOC) == wanted, child
    assert room(command=["sh", "-c", f"unset OTPROF_ALLOCATOR; {ROOM}"], **JEMALLOC) == room()


def test_variable_of_jemalloc_is_not_read(_):
    """It is meant for one that the program may have: an unknown option would be complained of."""
    for name in ("MALLOC_CONF", "JE_MALLOC_CONF", "OTPROF_HOST_MALLOC_CONF"):
        said = "OTPROF_HOST_MALLOC_CONF" if name.startswith("OTPROF") else None
        variables = {name: "confirm_conf:true,stats_print:true,no_such_option:1", **JEMALLOC}
        assert room(said=said, **variables) == OF_JEMALLOC, name


def test_it_tells_of_its_memory_and_gives_it_back(_):
    """By the functions that programs know from glibc."""
    told = room(command=[ROOM, "report"], **JEMALLOC)
    used, left, before, after, trimmed = map(int, told.split())
    assert 62 <= used <= 70 and left <= 4, told
    assert after <= min(before, 30) and trimmed == 1, told
    used, left, _, after, _ = map(int, room(command=[ROOM, "report"]).split())
    assert 62 <= used <= 70 and left <= 4 and after <= 30, (used, left, after)


def test_another_allocator_is_left_in_place(_):
    for name, own in (("libjemalloc.so.2", OF_JEMALLOC), ("libtcmalloc_minimal.so.4", None),
                      ("libmimalloc.so.2.0", None)):
        path = f"/usr/lib/x86_64-linux-gnu/{name}"
        if not os.path.exists(path):
            raise harness.Skip(f"{name} is not installed")
        told = room(said="an allocator of its own", LD_PRELOAD=f"{harness.LIBOTPROF}:{path}",
                    **JEMALLOC)
        bare = harness.run([ROOM], LD_PRELOAD=path).stdout
        assert told == bare and (own is None or own == bare), (name, told, bare)


def test_program_with_its_own_malloc_is_told(_):
    own = [os.environ["BUNDLED_OWN"]]
    bare = harness.run(own, preload=False).stdout
    told = room(command=own, said="an allocator of its own", OTPROF_HEAP="false", **JEMALLOC)
    assert told == bare, (told, bare)


if __name__ == "__main__":
    harness.main(globals())
