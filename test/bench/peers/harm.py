# SPDX-License-Identifier: Apache-2.0
"""Which of the programs of test/victims do under a profiler what they do alone: the same exit status and the
same standard output. (Standard error is left out: some profilers report there.)
"""
import concurrent.futures
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
HUNG_AFTER_SECONDS = 15
# That async-profiler prints among the program's own output is known, and would hide all else.
GREETING = b"Profiling started\n"
# At these rates what is rare at a profiler's usual ones is seen in one run.
HZ = 1000
INTERVAL = 16 << 10


class Victim:
    """As its test runs it: the command line of test/victims/run.py, read back from Meson."""

    def __init__(self, build, name, arguments):
        self.name = name
        self.stdin = ""
        self.variables = {}
        self.preload = []
        while arguments[0].startswith("--"):
            option = arguments.pop(0)
            value = arguments.pop(0) if option != "--may-be-unsampled" else None
            if option == "--stdin":
                self.stdin = value
            elif option == "--preload":
                self.preload.append(value)
            elif option == "--env":
                key, _, text = value.partition("=")
                self.variables[key] = text
        command = [argument for argument in arguments if argument != "--"]
        self.command = [os.path.join(build, command[0]), *command[1:]]

    def run(self, environment):
        """(status, output); None if it hangs."""
        with tempfile.TemporaryDirectory(prefix="harm-") as scratch:
            os.chmod(scratch, 0o777)
            variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                         **self.variables, **environment}
            preload = [variables.get("LD_PRELOAD")] + self.preload
            variables["LD_PRELOAD"] = ":".join(filter(None, preload))
            if not variables["LD_PRELOAD"]:
                del variables["LD_PRELOAD"]
            process = subprocess.Popen(
                self.command, cwd=scratch, env=variables, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
            try:
                output, _ = process.communicate(self.stdin.encode(), timeout=HUNG_AFTER_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                process.stdout.close()
                return None
            return process.returncode, output.replace(GREETING, b"", 1)


def victims(build, pattern):
    listed = subprocess.run(["meson", "introspect", build, "--tests"], stdout=subprocess.PIPE, check=True)
    for test in json.loads(listed.stdout):
        command = test["cmd"]
        name = test["name"].removeprefix("victims/")
        # env_*: they look at their environment, by which profilers are told what to do.
        if (test["name"] != name and not name.endswith("_bundled") and not name.startswith("env_")
                and "--agent" in command and "--copy-as" not in command and re.search(pattern, name)):
            yield Victim(build, name, command[command.index("--agent") + 2:])


def describe(bare, seen):
    if seen is None:
        return "hangs"
    if seen[0] != bare[0]:
        return f"signal {-seen[0]}" if seen[0] < 0 else f"status {seen[0]}"
    return "output"


def count_harmed(tools, build, pattern=""):
    """{tool: [(victim, what is different)]}, and how many victims there are."""
    chosen = list(victims(build, pattern))
    harmed = {tool.name: [] for tool in tools}
    tried = 0

    def judge(victim):
        bare = victim.run({})
        if bare is None or bare[0] == SKIPPED or bare != victim.run({}):
            return victim, None  # not for this machine, or not the same twice
        found = {}
        for tool in tools:
            with tempfile.TemporaryDirectory(prefix="harm-profile-") as directory:
                os.chmod(directory, 0o777)
                seen = victim.run(tool.environment(directory, HZ, INTERVAL))
                if seen != bare:
                    found[tool.name] = describe(bare, seen)
        return victim, found

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for victim, found in pool.map(judge, chosen):
            tried += found is not None
            print(f"{victim.name}: {'not tried' if found is None else found or 'as alone'}",
                  file=sys.stderr, flush=True)
            for name, what in (found or {}).items():
                harmed[name].append((victim.name, what))
    return harmed, tried
