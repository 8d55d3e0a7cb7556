# SPDX-License-Identifier: Apache-2.0
"""otprof run is as if it were not there: the command's output, exit status and signals. The
preloaded library is an empty one; commands that are to be profiled send their profiles themselves."""
import os
import pty
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from harness import OTPROF, functions, main, otprof, page_data

LIBRARY = os.environ["OTPROF_LIBRARY"]
HERE = os.path.dirname(os.path.abspath(__file__))

# What an agent does at the end of a window.
SENDER = f"""
import os, sys, urllib.request
sys.path.insert(0, {HERE!r})
from synthetic import cpu_request
def send(function, count, pid=os.getpid()):
    body = cpu_request([(["main", function], count, "worker")], pid=pid, executable=sys.argv[0])
    urllib.request.urlopen(urllib.request.Request(
        os.environ["OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT"], body,
        {{"Content-Type": "application/x-protobuf"}})).read()
"""


def python(text):
    return ["/usr/bin/python3", "-c", SENDER + text]


def run(directory, *command, options=(), **more):
    out = os.path.join(directory, "out")
    return otprof("run", "--out", out, *options, "--", *command, **more), out


def test_exit_status_and_output(directory):
    for status in (0, 1, 77, 255):
        result, _ = run(directory, "sh", "-c", f"cat; echo problem >&2; exit {status}",
                        input="through")
        assert result.returncode == status
        assert result.stdout == "through", result.stdout
        assert result.stderr.startswith("problem\n"), result.stderr


def test_death_by_signal(directory):
    for name in ("TERM", "KILL", "INT", "SEGV", "USR2"):
        result, _ = run(directory, "sh", "-c", f"kill -{name} $$")
        assert result.returncode == -getattr(signal, "SIG" + name), (name, result.returncode)


def test_a_command_that_cannot_be_started(directory):
    result, out = run(directory, "no-such-command")
    assert result.returncode == 127
    assert result.stderr == "otprof: no-such-command: No such file or directory\n", result.stderr
    assert not os.path.exists(out)
    result, _ = run(directory, "/etc/passwd")
    assert result.returncode == 126
    assert result.stderr == "otprof: /etc/passwd: Permission denied\n", result.stderr


# Prints how often it got the signals that it is sent, some time after the first.
COUNTER = """
import signal, time
seen = []
for name in ("INT", "TERM", "HUP", "QUIT", "USR1"):
    signal.signal(getattr(signal, "SIG" + name), lambda number, _: seen.append(number))
print("ready", flush=True)
while not seen: time.sleep(0.01)
time.sleep(0.3)
print([signal.Signals(number).name for number in seen], flush=True)
raise SystemExit(5)
"""


def test_signals_reach_the_command_once(directory):
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"):
        process = subprocess.Popen(
            [OTPROF, "run", "--quiet", "--out", os.path.join(directory, name), "--",
             "/usr/bin/python3", "-c", COUNTER], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, name))
        out, _ = process.communicate(timeout=30)
        assert out == f"[{name!r}]\n", (name, out)
        assert process.returncode == 5


def test_interrupt_at_the_terminal_is_not_doubled(directory):
    """^C goes to the whole process group; the command must see one SIGINT."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", OTPROF, "run", "--quiet", "--out",
         os.path.join(directory, "out"), "--", "/usr/bin/python3", "-c", COUNTER],
        stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    sent = False
    while b"]" not in text:
        text += os.read(master, 1000)
        if b"ready" in text and not sent:
            os.write(master, b"\x03")
            sent = True
    assert b"['SIGINT']" in text, text
    assert process.wait(timeout=30) == 5
    os.close(master)


def test_dispositions_and_descriptors_are_the_callers(directory):
    """What the command inherits under otprof run is what it inherits without."""
    probe = ("import os\n"
             "print([l for l in open('/proc/self/status') if l.startswith(('SigBlk', 'SigIgn'))])\n"
             "print(sorted(f for f in os.listdir('/proc/self/fd') "
             "if os.path.exists(f'/proc/self/fd/{f}')))\n")
    for wrapper in ((), ("nohup",)):
        command = ["/usr/bin/python3", "-c", probe]
        plain = subprocess.run([*wrapper, *command], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, check=True, text=True).stdout
        under = subprocess.run(
            [*wrapper, OTPROF, "run", "--quiet", "--out", os.path.join(directory, "out"), "--",
             *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
        assert under.stdout == plain, (under.stdout, plain)


def test_environment(directory):
    result, _ = run(directory, "sh", "-c", "echo $LD_PRELOAD; echo $OTPROF_CPU_HZ; echo $OTPROF_HEAP",
                    options=("--hz", "333", "--no-heap"),
                    env={**os.environ, "LD_PRELOAD": ""})
    assert result.stdout == f"{LIBRARY}\n333\nfalse\n", result.stdout


def test_results(directory):
    command = python("send('f', 30); send('f', 3); send('g', 7)")
    result, out = run(directory, *command, options=("--keep-otlp",))
    assert result.returncode == 0, result.stderr
    assert "cpu: 40 samples, 400 ms of CPU time" in result.stderr, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip().endswith("app")]
    assert [line.split()[6] for line in lines] == ["f", "g", "main"], result.stderr
    assert lines[0].split()[2] == "82.5", lines[0]
    assert sorted(os.listdir(out)) == ["cpu.pb.gz", "flame.html", "otlp"], os.listdir(out)
    assert len(os.listdir(os.path.join(out, "otlp"))) == 3
    with open(os.path.join(out, "flame.html"), encoding="utf-8") as file:
        assert functions(page_data(file.read())) == {"f": 33, "g": 7}
    top = otprof("top", os.path.join(out, "cpu.pb.gz"))
    assert "40 samples, 400 ms of CPU time" in top.stdout, top.stdout


def test_processes_of_the_tree_are_told_apart(directory):
    command = python("send('f', 1, 101); send('f', 2, 102)")
    result, out = run(directory, *command)
    assert "2 processes" in result.stderr, result.stderr
    dump = otprof("dump", os.path.join(out, "cpu.pb.gz")).stdout
    assert "process.pid = 101" in dump and "process.pid = 102" in dump, dump
    with open(os.path.join(out, "flame.html"), encoding="utf-8") as file:
        assert [pid for _, pid, _ in page_data(file.read())["processes"]] == [101, 102]


def test_nothing_received_says_why(directory):
    result, out = run(directory, "true")
    assert result.returncode == 0
    assert result.stderr.startswith("otprof: no profile was received: "), result.stderr
    assert not os.path.exists(out)
    static = os.path.join(directory, "static")
    built = subprocess.run(["gcc", "-static", "-x", "c", "-", "-o", static], check=False, text=True,
                           input="int main(void) { return 3; }", stderr=subprocess.DEVNULL)
    if built.returncode == 0:
        result, _ = run(directory, static)
        assert result.returncode == 3 and "statically linked" in result.stderr, result.stderr
    result, _ = run(directory, "true", env={**os.environ, "OTPROF_ENABLED": "false"})
    assert "OTPROF_ENABLED is set to false" in result.stderr, result.stderr


def test_quiet(directory):
    result, out = run(directory, *python("send('f', 30)"), options=("--quiet",))
    assert result.stderr == "", result.stderr
    assert os.path.exists(os.path.join(out, "flame.html"))


def test_default_directories_do_not_overwrite(directory):
    for expected in ("otprof-out-python3", "otprof-out-python3-2"):
        result = otprof("run", "--", *python("send('f', 30)"), cwd=directory)
        assert f"in {expected}\n" in result.stderr, result.stderr
        assert os.path.exists(os.path.join(directory, expected, "cpu.pb.gz"))


def test_own_failures_are_125(directory):
    taken = os.path.join(directory, "file")
    with open(taken, "w", encoding="ascii"):
        pass
    result = otprof("run", "--out", taken, "--", "true")
    assert result.returncode == 125 and result.stderr.startswith(f"otprof: {taken}: "), result.stderr
    result, _ = run(directory, "true", env={**os.environ, "OTPROF_LIBRARY": "/nowhere/x.so"})
    assert result.returncode == 125, result.returncode
    assert result.stderr == "otprof: OTPROF_LIBRARY: cannot read /nowhere/x.so\n", result.stderr


def test_usage(_):
    for arguments, line in (
            (("run",), "otprof: run: no command given; see otprof run --help\n"),
            (("run", "--bogus", "true"),
             "otprof: run: unknown option '--bogus'; see otprof run --help\n"),
            (("run", "--hz", "0", "true"),
             "otprof: run: --hz takes a number from 1 to 10000, not '0'; see otprof run --help\n"),
            (("frobnicate",), "otprof: unknown command 'frobnicate'; 'otprof --help' lists them\n")):
        result = otprof(*arguments)
        assert (result.returncode, result.stderr) == (2, line), (arguments, result.stderr)
    for arguments in (("--help",), ("run", "--help"), ("serve", "--help"), ("top", "-h")):
        result = otprof(*arguments)
        assert result.returncode == 0 and result.stdout.startswith("usage: otprof"), arguments


def test_progress_on_a_terminal_leaves_the_cursor_alone(directory):
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", OTPROF, "run", "--out", os.path.join(directory, "out"), "--",
         *python("import time\nprint('prompt: ', end='', flush=True)\nsend('f', 5)\ntime.sleep(2.5)")],
        stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    while True:
        try:
            text += os.read(master, 4096)
        except OSError:  # the terminal's other side is closed
            break
    os.close(master)
    assert process.wait(timeout=30) == 0
    before, _, after = text.partition(b"cpu: 5 samples")
    assert b"5 samples  100% f" in before, text
    # Each piece saves the cursor first and restores it last, and there is no line break in it.
    pieces = before.split(b"\x1b7")[1:]
    assert pieces and all(b"\x1b8" in piece for piece in pieces), text
    assert not any(b"\n" in piece.split(b"\x1b8")[0] for piece in pieces), text
    assert after, text


main(globals())
