# SPDX-License-Identifier: Apache-2.0
"""linkage.py LIBRARY: what libotprof.so may ask of a process that it is loaded into.

Prints one line for each breach and fails if there is one. What the library shows to the process is
another test's matter.
"""
import re
import subprocess
import sys

# Anything more would be one more library in every profiled program. The second and the third are parts of
# the first where that is newer than 2.33.
NEEDED = re.compile(r"(libc|libdl|libpthread|ld-linux[-.\w]*|ld-linux)\.so\.\d+")
# glibc sets aside 512 bytes for all libraries that are opened late, and others want some of it.
MAX_TLS = 64
# glibc takes this memory from its own allocator, or from whatever the host has put in its place;
# the free() that our side calls on it belongs to the private one.
FOREIGN_MEMORY = {
    "strdup", "strndup", "wcsdup", "asprintf", "vasprintf", "getline", "getdelim", "realpath",
    "canonicalize_file_name", "get_current_dir_name", "open_memstream", "scandir", "tempnam",
}
# They are wrapped: calls of ours that still reach the public names would come back as samples.
WRAPPED = {"malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def readelf(option, library):
    return subprocess.run(["readelf", "-W", option, library], check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout


def imports(library):
    for line in readelf("--dyn-syms", library).splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[6] == "UND":
            yield fields[7].split("@")[0]


def breaches(library):
    dynamic = readelf("--dynamic", library)
    for name in re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", dynamic):
        if not NEEDED.fullmatch(name):
            yield f"needs {name}"
    if "BIND_NOW" not in dynamic:
        yield "is bound lazily: a signal handler would enter the loader"
    if "TEXTREL" in dynamic:
        yield "has relocations in its code: something in it is not position independent"
    for line in readelf("--program-headers", library).splitlines():
        fields = line.split()
        if fields[:1] == ["TLS"] and int(fields[5], 16) > MAX_TLS:
            yield f"has {int(fields[5], 16)} bytes of thread-local variables; {MAX_TLS} is the limit"
    for name in imports(library):
        plain = re.sub(r"^__|_chk$", "", name)
        if plain in FOREIGN_MEMORY:
            yield f"calls {name}, whose memory our free() does not know"
        if name in WRAPPED:
            yield f"calls {name} of the process"


def main():
    found = list(breaches(sys.argv[1]))
    for breach in found:
        print(f"{sys.argv[1]} {breach}")
    sys.exit(1 if found else 0)


main()
