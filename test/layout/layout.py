# SPDX-License-Identifier: Apache-2.0
"""layout.py ROOT: the rules about files that a compiler does not check.

Who may include whom, how long a file may be, how a file begins, and that nothing is left for later.
Prints one line for each breach, as compilers do, and fails if there is one.
"""
import os
import re
import sys

# directory: what its files may include. encoder and transport know nothing of each other, so that
# each can be tested and replaced alone; interpose is called by the host and must stay free of what
# allocates, locks or throws.
MAY_INCLUDE = {
    "agent": ("agent/", "interpose/hooks.h", "interpose/allocation_hooks.h",
              "interpose/mapping_hooks.h", "interpose/stand_down.h", "encoder/",
              "transport/"),
    "interpose": ("interpose/",),
    "encoder": ("encoder/",),
    "transport": ("transport/",),
    "tools": ("tools/", "encoder/", "transport/"),
    "test": ("test/", "agent/", "interpose/", "encoder/", "transport/", "tools/"),
    "examples": ("examples/",),
}
MAX_LINES = 500
SUFFIXES = (".h", ".cc", ".c", ".S", ".def", ".map", ".proto", ".py", ".sh", ".go", ".js", ".css",
            ".html", "meson.build", "meson_options.txt")
# Input that a test feeds to something is not ours to lay out.
DATA_DIRECTORIES = {"testdata", "corpus", "__pycache__"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# Headers that exist in the build directory only.
GENERATED = re.compile(r"(\.pb|_data)\.h$")
# Written apart, so that this file passes its own test.
LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def own_files(root):
    """The source files of the project; build trees and .deps are nobody's source."""
    yield from (name for name in ("meson.build", "meson_options.txt") if
                os.path.exists(os.path.join(root, name)))
    for top in sorted(MAY_INCLUDE) + ["docs", ".ci"]:
        for directory, names, files in os.walk(os.path.join(root, top)):
            names[:] = sorted(set(names) - DATA_DIRECTORIES)
            for name in sorted(files):
                path = os.path.join(directory, name)
                if not os.path.islink(path) and (name.endswith(SUFFIXES) or is_script(path)):
                    yield os.path.relpath(path, root)


def is_script(path):
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def check_includes(root, path, lines):
    top = path.split("/")[0]
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(1)
        generated = GENERATED.search(name)
        if generated and "/" not in name:
            continue
        if not generated and not os.path.exists(os.path.join(root, name)):
            yield number, f'"{name}" is not a path from the root of the repository'
        elif not name.startswith(MAY_INCLUDE[top]):
            yield number, f'{top} may not include "{name}"'


def check_header(lines):
    """A header says what it is for before anything else; the licence line does not count."""
    if not any(line.strip() == "#pragma once" for line in lines):
        yield 1, "header without #pragma once"
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if "SPDX-License-Identifier" in text or text in ("", "//"):
            continue
        if not text.startswith("//"):
            yield number, "header does not open with a comment on what it is for"
        return


def check(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > MAX_LINES:
        yield MAX_LINES + 1, f"{len(lines)} lines; {MAX_LINES} is the limit"
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        yield 1, "no SPDX-License-Identifier: Apache-2.0 in the first three lines"
    for number, line in enumerate(lines, 1):
        match = LATER.search(line)
        if match:
            yield number, f"{match.group(1)} left in the tree"
    if path.endswith((".h", ".cc", ".c")) and path.split("/")[0] in MAY_INCLUDE:
        yield from check_includes(root, path, lines)
    if path.endswith(".h"):
        yield from check_header(lines)


def main():
    root = sys.argv[1]
    breaches = files = 0
    for path in own_files(root):
        files += 1
        for number, what in check(root, path):
            print(f"{path}:{number}: {what}")
            breaches += 1
    print(f"{files} files, {breaches} breaches")
    sys.exit(1 if breaches or not files else 0)


main()
