# SPDX-License-Identifier: Apache-2.0
"""run.py --agent LIB [OPTIONS] VICTIM [ARGUMENTS]: does the agent change what VICTIM does?

Runs VICTIM (a) alone, (b) with the agent preloaded but switched off, (c) several times with the
agent at ten times its usual rates, and compares the exit status or signal, every byte of standard
output, and standard error: there (c) may add lines of the agent's own only where --warning says so.
A victim that exits with status 77 when it runs alone cannot be tried on this machine.
"""
import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
# Only a hang gets near this: the longest victim uses two seconds of CPU time.
HUNG_AFTER_SECONDS = 60
MOST_ATTEMPTS = 3
RATES = {
    "OTPROF_CPU_HZ": "1000",
    "OTPROF_EXPORT_INTERVAL": "200ms",
    "OTPROF_HEAP_INTERVAL": "16KiB",
    "OTPROF_MAX_CPU_PERCENT": "100",  # or the rates would be lowered
    "OTPROF_EXPORTERS": "pprof",
}


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True, help="libotprof.so")
    parser.add_argument("--times", type=int, default=3, help="runs with the agent on")
    parser.add_argument("--engine", action="append", default=[],
                        help="run with this OTPROF_CPU_ENGINE; several: as often with each")
    parser.add_argument("--may-be-unsampled", action="store_true",
                        help="a run with the agent on need not leave a profile")
    parser.add_argument("--warning", help="each run with the agent on says exactly one line like this")
    parser.add_argument("--may-say", help="any number of lines like this, from children too")
    parser.add_argument("--stdin", default="", help="text on standard input")
    parser.add_argument("--env", action="append", default=[], help="NAME=VALUE in every run")
    parser.add_argument("--preload", action="append", default=[], help="preloaded in every run, last")
    parser.add_argument("--copy-as", help="run a copy of the victim that has this name")
    parser.add_argument("victim")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


class Outcome:
    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        lines = stderr.splitlines(keepends=True)
        self.stderr = b"".join(l for l in lines if not l.startswith(b"otprof:"))
        self.agent_lines = [l.decode(errors="replace") for l in lines if l.startswith(b"otprof:")]


def describe_status(status):
    return f"signal {-status}" if status < 0 else f"status {status}"


def environment(options, preload, profiles, enabled, engine):
    """The same variables in every run, in the same number, but for what loads the agent."""
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **RATES,
                 "OTPROF_PPROF_DIR": profiles, "OTPROF_ENABLED": "true" if enabled else "false",
                 "OTPROF_CPU_ENGINE": engine}
    variables.update(pair.split("=", 1) for pair in options.env)
    preload = preload + options.preload
    if preload:
        variables["LD_PRELOAD"] = ":".join(preload)
    return variables


def tell_where_it_hangs(group):
    for task in sorted(os.listdir("/proc"), key=lambda name: (len(name), name)):
        if not task.isdigit():
            continue
        try:
            if os.getpgid(int(task)) != group:
                continue
            for thread in os.listdir(f"/proc/{task}/task"):
                fields = [open(f"/proc/{task}/task/{thread}/{name}").read().strip()
                          for name in ("comm", "wchan", "syscall")]
                print(f"  hangs: {task}/{thread}", *fields, file=sys.stderr)
        except OSError:
            continue


def run(options, program, preload, profiles, scratch, enabled, engine):
    # In a new session: whatever a hung victim has started can be ended with it.
    process = subprocess.Popen(
        [program, *options.arguments], cwd=scratch, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(options, preload, profiles, enabled, engine),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    try:
        stdout, stderr = process.communicate(options.stdin.encode(), timeout=HUNG_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        tell_where_it_hangs(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    return Outcome(process.returncode, stdout, stderr)


def differences(bare, seen):
    if seen is None:
        return ["it hangs"]
    found = []
    if seen.status != bare.status:
        found.append(f"ended with {describe_status(seen.status)}, alone {describe_status(bare.status)}")
    for name in ("stdout", "stderr"):
        if getattr(seen, name) != getattr(bare, name):
            found.append(f"{name} differs\n--- alone\n{getattr(bare, name).decode(errors='replace')}"
                         f"--- now\n{getattr(seen, name).decode(errors='replace')}---")
    return found


def unexpected_lines(options, lines):
    if options.may_say is not None:
        return [f"said: {line.rstrip()}" for line in lines if not re.search(options.may_say, line)]
    if options.warning is None:
        return [f"said: {line.rstrip()}" for line in lines]
    if len(lines) == 1 and re.search(options.warning, lines[0]):
        return []
    return [f"did not say one line like /{options.warning}/ but {lines}"]


def profile_faults(options, profiles):
    files = os.listdir(profiles) if os.path.isdir(profiles) else []
    faults = [f"left {name}" for name in files if not name.endswith(".pb.gz")]
    if not options.may_be_unsampled and not faults and not files:
        faults.append("left no profile: the victim has not been sampled")
    return faults


def try_victim(options, scratch):
    def new_directory(name):
        path = os.path.join(scratch, name)
        os.mkdir(path)
        os.chmod(path, 0o777)  # some victims become another user
        return path

    def one_run(name, preload, enabled=True, engine="auto"):
        profiles = new_directory(name + ".profiles")
        program = options.victim
        if options.copy_as:
            program = os.path.join(new_directory(name + ".program"), options.copy_as)
            shutil.copy2(options.victim, program)
        outcome = run(options, program, preload, profiles, new_directory(name), enabled,
                      engine)
        return outcome, profiles

    bare, _ = one_run("alone", [])
    if bare is None:
        return ["it hangs even alone"]
    if bare.status == SKIPPED:
        print(bare.stdout.decode().strip())
        sys.exit(SKIPPED)
    faults = []

    off, profiles = one_run("off", [options.agent], enabled=False)
    found = differences(bare, off)
    if off is not None:
        found += [f"said: {line.rstrip()}" for line in off.agent_lines]
    found += [f"left {name}" for name in os.listdir(profiles)]
    faults += ["agent switched off: " + fault for fault in found]

    engines = options.engine or ["auto"]
    runs = max(options.times // len(engines), 1) * len(engines)
    for number in range(runs):
        engine = engines[number % len(engines)]
        # A victim that is over before the agent's thread gets a CPU has not been tried.
        for attempt in range(MOST_ATTEMPTS):
            seen, profiles = one_run(f"on{number}.{attempt}", [options.agent], engine=engine)
            found = differences(bare, seen)
            unsampled = []
            if seen is not None:
                found += unexpected_lines(options, seen.agent_lines)
                unsampled = profile_faults(options, profiles)
            if found or not unsampled:
                break
        found += unsampled
        faults += [f"agent on, engine {engine}, run {number + 1}: " + fault for fault in found]
        if seen is None:
            break
    return faults


def main():
    options = parse_arguments()
    options.agent = os.path.abspath(options.agent)
    options.victim = os.path.abspath(options.victim)
    with tempfile.TemporaryDirectory(prefix="victim-") as scratch:
        os.chmod(scratch, 0o755)
        # Some victims become a user who may not look into the tree: a home directory, say.
        options.agent = shutil.copy(options.agent, scratch)
        os.chmod(options.agent, 0o755)
        faults = try_victim(options, scratch)
    for fault in faults:
        print(f"{os.path.basename(options.victim)}: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
