# SPDX-License-Identifier: Apache-2.0
"""tidy.py BUILD CACHE JOBS FILE...: clang-tidy over the .cc files among FILE.

clang-tidy takes seconds per file, so a file that was clean is not looked at again until what the
compiler sees of it, or .clang-tidy, has changed. CACHE holds an empty file per clean result.
Headers are checked through the sources that include them.
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys


def digest(command, directory, configuration):
    """A name for everything that the result depends on; None if the file does not preprocess."""
    arguments = [word for word in shlex.split(command) if word not in ("ccache", "-MD")]
    for option in ("-MQ", "-MF", "-o"):
        position = arguments.index(option)
        del arguments[position:position + 2]
    # Comments stay in: NOLINT is one.
    arguments += ["-E", "-CC"]
    done = subprocess.run(arguments, cwd=directory, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        return None
    return hashlib.sha256(configuration + command.encode() + done.stdout).hexdigest()


def check(entry, build, cache, configuration):
    """What clang-tidy has to say of one file; empty if nothing."""
    name = digest(entry["command"], entry["directory"], configuration)
    clean = name and os.path.join(cache, name)
    if clean and os.path.exists(clean):
        return ""
    path = os.path.join(entry["directory"], entry["file"])
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build,
                           "--extra-arg=-Wno-unknown-warning-option", os.path.realpath(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                          check=False)
    if done.returncode != 0:
        return done.stdout or done.stderr
    if clean:
        open(clean, "w").close()
    return ""


def main():
    build, cache, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wanted = {os.path.realpath(path) for path in sys.argv[4:]}
    os.makedirs(cache, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout
    with open(".clang-tidy", "rb") as file:
        configuration = version + file.read()
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = {os.path.realpath(os.path.join(entry["directory"], entry["file"])): entry
                   for entry in json.load(file)}
    chosen = [entries[path] for path in sorted(wanted) if path in entries and path.endswith(".cc")]
    complaints = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for text in pool.map(lambda entry: check(entry, build, cache, configuration), chosen):
            if text:
                print(text, flush=True)
                complaints += 1
    print(f"clang-tidy: {len(chosen)} files, {complaints} with complaints", flush=True)
    sys.exit(1 if complaints else 0)


main()
