# SPDX-License-Identifier: Apache-2.0
"""Running programs under the agent as different hosts would: as another user, and where a seccomp
filter refuses perf_event_open. What the user may not read where it was built is copied."""
import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conformance"))

SKIPPED = 77

# What is sampled how: the engine, and whether kernel time is counted.
ENGINES = {
    "sigtrap": {"OTPROF_CPU_ENGINE": "sigtrap"},
    "perf": {"OTPROF_CPU_ENGINE": "perf"},
    "timer": {"OTPROF_CPU_ENGINE": "timer"},
    "sigtrap+kernel": {"OTPROF_CPU_ENGINE": "sigtrap", "OTPROF_INCLUDE_SYSCALLS": "true"},
    "perf+kernel": {"OTPROF_CPU_ENGINE": "perf", "OTPROF_INCLUDE_SYSCALLS": "true"},
    "timer+kernel": {"OTPROF_CPU_ENGINE": "timer", "OTPROF_INCLUDE_SYSCALLS": "true"},
}


def add_arguments(parser):
    parser.add_argument("--build", default=os.path.join(os.path.dirname(__file__), "../../../build"),
                        help="the build directory")
    parser.add_argument("--engines", default=",".join(ENGINES),
                        help="comma list of: " + " ".join(ENGINES))
    parser.add_argument("--as-user", metavar="NAME", help="run as this user (needs root)")
    parser.add_argument("--without-find-object", action="store_true",
                        help="run as on a glibc older than 2.35, without _dl_find_object")
    parser.add_argument("--deny-perf", action="store_true",
                        help="run under a seccomp filter that refuses perf_event_open")


def chosen_engines(arguments):
    names = [name for name in arguments.engines.split(",") if name]
    for name in names:
        if name not in ENGINES:
            sys.exit(f"no engine is called {name!r}; there are {', '.join(ENGINES)}")
    return names


def conclude(rows, failed, what):
    """Says how many of the rows failed; the exit status."""
    print(f"{rows} rows, {failed} {what}")
    if rows == 0:
        print("SKIP none of these engines works here")
        return SKIPPED
    return 1 if failed else 0


class Unavailable(Exception):
    """The engine does not work here, or its options are not known."""


class Host:
    def __init__(self, arguments: argparse.Namespace):
        self.build = os.path.abspath(arguments.build)
        self.user = pwd.getpwnam(arguments.as_user) if arguments.as_user else None
        if self.user and os.geteuid() not in (0, self.user.pw_uid):
            print("SKIP only root can become another user")
            sys.exit(SKIPPED)
        self.deny_perf = arguments.deny_perf
        self.without_find_object = arguments.without_find_object
        self.directory = tempfile.mkdtemp(prefix="otprof-truth-")
        os.chmod(self.directory, 0o755)
        self.runs = 0
        self.agent = self.file("libotprof.so")
        if self.without_find_object:
            self.agent = self.file("test", "truth", "unwind", "without_find_object.so") + " " + self.agent

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    def describe(self):
        paranoid = open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii").read().strip()
        return (f"as {self.user.pw_name if self.user else 'the user that runs this'}, "
                f"perf_event_paranoid {paranoid}"
                + (", perf_event_open refused by seccomp" if self.deny_perf else "")
                + (", without _dl_find_object" if self.without_find_object else ""))

    def file(self, *path):
        """A file of the build directory, where the user can read it."""
        source = os.path.join(self.build, *path)
        if self.user is None:
            return source
        copy = os.path.join(self.directory, os.path.basename(source))
        if not os.path.exists(copy):
            shutil.copy2(source, copy)
            os.chmod(copy, 0o755)
        return copy

    def new_directory(self):
        self.runs += 1
        path = os.path.join(self.directory, f"run{self.runs}")
        os.mkdir(path)
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def become_user(self):
        if self.user is not None:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def run(self, command, timeout, preload=True, **variables):
        """The finished process. A hang ends all it has started, and is returned as None."""
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                       "OTPROF_MAX_CPU_PERCENT": "100", **variables}
        if self.user is not None:
            environment["LD_LIBRARY_PATH"] = self.directory
        if preload:
            environment["LD_PRELOAD"] = self.agent
        if self.deny_perf:
            command = [self.file("test", "truth", "cpu", "deny_perf"), *command]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.PIPE, start_new_session=True,
                                   cwd=self.directory, preexec_fn=self.become_user)
        try:
            output, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        return subprocess.CompletedProcess(command, process.returncode, output, error)

    def check_engine(self, name, log):
        """Raises Unavailable unless the agent's log says that this engine ran."""
        wanted = ENGINES[name]["OTPROF_CPU_ENGINE"]
        if f"CPU is sampled by the {wanted} engine" not in log:
            why = [line for line in log.splitlines() if "otprof: CPU is" in line]
            raise Unavailable(why[0].split("otprof:", 1)[-1].strip() if why else "nothing was logged")
        if self.without_find_object and "in a copy of the loader's list" not in log:
            raise AssertionError("the agent found _dl_find_object")
