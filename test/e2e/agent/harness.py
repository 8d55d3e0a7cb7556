# SPDX-License-Identifier: Apache-2.0
"""What the tests of the agent share: running programs under it, reading what it wrote, and an OTLP
receiver that knows no more of the agent than the .proto files say.

Environment: LIBOTPROF, OTPROF (the command), SHARES (shares.cc).
"""
import glob
import gzip
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFORMANCE = os.path.join(TESTS, "conformance")
sys.path.insert(0, CONFORMANCE)

from messages import pprof  # noqa: E402: found through the path set above

OTPROF = os.environ["OTPROF"]
LIBOTPROF = os.environ["LIBOTPROF"]
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin"


class Skip(Exception):
    pass


def environment(preload=True, **variables):
    """A small environment of the tests' own: the developer's may hold OTEL_ variables. Rates are what
    a test asks for, whatever they cost."""
    names = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent",
             "OTPROF_MAX_CPU_PERCENT": "100", **variables}
    if preload:
        names.setdefault("LD_PRELOAD", LIBOTPROF)
    return names


def run(command, preload=True, cwd=None, stdin=b"", timeout=100, **variables):
    return subprocess.run(command, env=environment(preload, **variables), cwd=cwd, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)


def pprof_files(directory, kind="cpu"):
    return sorted(glob.glob(f"{directory}/*.{kind}.pb.gz"))


def read_pprof(path):
    with gzip.open(path) as file:
        return pprof.Profile.FromString(file.read())


class Receiver:
    """Takes POSTs on a free port of the loopback; `silent`: accepts connections, answers nothing."""

    def __init__(self, silent=False):
        self.requests = []
        self.connections = 0
        self.release = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if silent:
                    outer.release.wait()
                    return
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.requests.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def main(tests):
    """Runs every function named test_*, each with a directory of its own."""
    failed = []
    skipped = []
    chosen = [(name, test) for name, test in tests.items() if name.startswith("test_")]
    for name, test in chosen:
        with tempfile.TemporaryDirectory(prefix="otprof-e2e-") as directory:
            began = time.monotonic()
            try:
                test(directory)
                print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
            except Skip as why:
                skipped.append(name)
                print(f"SKIP {name}: {why}")
            except Exception:  # the other tests are to run all the same
                failed.append(name)
                print(f"FAILED {name}", file=sys.stderr)
                traceback.print_exc()
    print(f"{len(chosen) - len(failed) - len(skipped)} passed, {len(failed)} failed, "
          f"{len(skipped)} skipped", flush=True)
    sys.exit(1 if failed or not chosen else 77 if skipped == [name for name, _ in chosen] else 0)
