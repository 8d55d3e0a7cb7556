# SPDX-License-Identifier: Apache-2.0
"""test_symbols.py LIBRARY EXPORTS IMPORTS: what the library shows to its host, and what it demands.

EXPORTS and IMPORTS are reviewed lists, one name per line, the version of an import behind @. A
change of either is a change of the library's contract: think first, then

    test_symbols.py --write LIBRARY EXPORTS IMPORTS

Exports have to be equal. An import that is no longer there is no harm; a new one is: a host whose
libc lacks it does not start, unless it is weak.
"""
import subprocess
import sys

LICENCE = "# SPDX-License-Identifier: Apache-2.0\n"


def symbols(library, kind):
    lines = subprocess.run(["nm", "-D", kind, library], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    for line in lines:
        *_, letter, name = line.split()
        yield letter, name


def exports(library):
    return {name for _, name in symbols(library, "--defined-only")}


def imports(library):
    return {name if letter == "U" else name + " weak"
            for letter, name in symbols(library, "--undefined-only")}


def reviewed(path):
    with open(path, encoding="utf-8") as file:
        return {line.strip() for line in file if line.strip() and not line.startswith("#")}


def newest_glibc(names):
    versions = [name.split("@GLIBC_")[1].split()[0] for name in names if "@GLIBC_" in name]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


def stack_is_executable(library):
    headers = subprocess.run(["readelf", "-lW", library], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    stack = next(line for line in headers.splitlines() if "GNU_STACK" in line)
    return "E" in stack.split()[-2]


def main():
    arguments = sys.argv[1:]
    write = arguments[0] == "--write"
    library, *lists = arguments[write:]
    found = [exports(library), imports(library)]
    if write:
        for path, names in zip(lists, found):
            with open(path, "w", encoding="utf-8") as file:
                file.write(LICENCE + "".join(name + "\n" for name in sorted(names)))
        return
    faults = [f"exports {name}, which was not reviewed" for name in found[0] - reviewed(lists[0])]
    faults += [f"no longer exports {name}" for name in reviewed(lists[0]) - found[0]]
    faults += [f"demands {name}, which was not reviewed" for name in found[1] - reviewed(lists[1])
               if not name.endswith(" weak")]
    if stack_is_executable(library):
        faults.append("makes the stack of every thread executable")
    for fault in sorted(faults):
        print(f"{library} {fault}")
    print(f"{len(found[0])} exports, {len(found[1])} imports, the newest of glibc "
          f"{newest_glibc(found[1])}")
    sys.exit(1 if faults else 0)


main()
