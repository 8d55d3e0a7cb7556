# SPDX-License-Identifier: Apache-2.0
"""A program run by an emulator (qemu-user) with the agent in both: it does what it does alone.

Older emulators enter a signal handler with a stack that is not aligned as the kernel's is.
"""
import shutil

import harness

PROGRAM = "print(sum(i * i for i in range(400_000)))"


def test_guest_and_emulator_are_profiled(directory):
    emulator = shutil.which("qemu-x86_64", path=harness.PATH)
    if emulator is None:
        raise harness.Skip("needs qemu-user")
    command = [emulator, "/usr/bin/python3", "-S", "-c", PROGRAM]
    alone = harness.run(command, preload=False)
    assert alone.returncode == 0, alone
    profiled = harness.run(command, OTPROF_CPU_HZ="1000", OTPROF_EXPORTERS="pprof",
                           OTPROF_PPROF_DIR=directory)
    assert profiled.returncode == 0, profiled
    assert profiled.stdout == alone.stdout, (profiled, alone)
    assert harness.pprof_files(directory), profiled


harness.main(globals())
