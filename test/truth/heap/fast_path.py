#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fast_path.py LIB EXPECTED: the instructions that every malloc and free of a program pays for.

Compares what LIB's malloc and free consist of with the reviewed listing. Displacements and the
targets of jumps are left out. A change is not wrong in itself: review it, measure it with
test/bench/heap, and put the new listing into EXPECTED (--print shows it).
"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77


def instructions(library, function):
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "--no-addresses", f"--disassemble={function}", library],
        stdout=subprocess.PIPE, check=True, text=True).stdout
    listing = []
    for line in text.split(f"<{function}>:")[-1].splitlines():
        line = re.sub(r"\s*#.*", "", line).strip()
        line = re.sub(r"-?0x[0-9a-f]+\(%rip\)", "(%rip)", line)
        line = re.sub(r"\s*<.*>", " *", line)
        line = re.sub(r"\s+", " ", line)
        if not line or line.startswith("Disassembly"):
            continue
        if re.match(r"(data16 |cs |nop|xchg %ax,%ax)", line):
            continue  # padding
        listing.append(line)
    return listing


def compiler(library):
    text = subprocess.run(["readelf", "-p", ".comment", library], stdout=subprocess.PIPE,
                          check=True, text=True).stdout
    return (re.findall(r"GCC: \(.*?\) (\d+)", text) or ["?"])[0]


def main():
    library, expected = sys.argv[1], sys.argv[2]
    if shutil.which("objdump") is None or shutil.which("readelf") is None:
        print("SKIP no binutils")
        return SKIPPED
    found = [f"# gcc {compiler(library)}"]
    for function in ("malloc", "free"):
        found += [f"{function}:"] + ["  " + i for i in instructions(library, function)]
    if sys.argv[3:] == ["--print"]:
        print("\n".join(found))
        return 0
    with open(expected, encoding="utf-8") as file:
        wanted = file.read().splitlines()
    if wanted[0] != found[0]:
        print(f"SKIP built by {found[0][2:]}, the listing is of {wanted[0][2:]}")
        return SKIPPED
    if wanted == found:
        return 0
    print("malloc or free has changed; it is now:", *found, sep="\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
