#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""attach_cost.py PROGRAM: attaching and detaching a context is a handful of instructions, none of them a
call, so it takes less than 5 ns whatever the machine is busy with. test/bench/trace/attach.cc has the time.
"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77
# One load and two stores of the slot, and the return. Room for a compiler that is less clever.
MOST = 8


def main():
    if shutil.which("objdump") is None:
        print("SKIP no binutils")
        return SKIPPED
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--no-addresses",
                           "--disassemble=attach_and_detach", sys.argv[1]],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    listing = [line.strip() for line in text.split("<attach_and_detach>:")[-1].splitlines()]
    listing = [line for line in listing if line and
               not re.match(r"Disassembly|nop|cs nop|data16|xchg +%ax,%ax|endbr64", line)]
    print(*listing, sep="\n")
    calls = [line for line in listing if re.match(r"(call|lock|mfence|syscall)", line)]
    print(f"{len(listing)} instructions")
    return 1 if not listing or len(listing) > MOST or calls else 0


if __name__ == "__main__":
    sys.exit(main())
