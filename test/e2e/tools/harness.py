# SPDX-License-Identifier: Apache-2.0
"""What the tests of the otprof command share: running it, posting to it, and saying what went wrong."""
import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback

OTPROF = os.environ["OTPROF"]
PATH = "/v1development/profiles"
PROTOBUF = "application/x-protobuf"


def otprof(*arguments, **options):
    """Runs otprof to its end; standard output and error as text unless said otherwise."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("timeout", 60)
    return subprocess.run([OTPROF, *arguments], text=True, check=False, **options)


class Server:
    """otprof serve on a free port, ended with the test."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([OTPROF, "serve", "--listen", "127.0.0.1:0", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", line).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        out, error = self.process.communicate(timeout=20)
        return self.process.returncode, out, error

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def post(self, body, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", PATH, body, {"Content-Type": PROTOBUF, **names})

    def profile(self):
        answer, content = self.request("GET", "/profile.json")
        assert answer.status == 200, answer.status
        return json.loads(content)


def status_text(content):
    """The message of a google.rpc.Status, which is short enough to have its length in one byte."""
    assert content[0] == 0x08 and content[2] == 0x12, content
    assert len(content) == 4 + content[3], content
    return content[4:].decode()


def functions(document, kind="cpu"):
    """Function name -> sum of the first value of the samples that ended in it."""
    profile = next(p for p in document["profiles"] if p["kind"] == kind)
    stride = 2 + len(profile["types"])
    sums = {}
    for at in range(0, len(profile["rows"]), stride):
        frame = profile["frame"][profile["rows"][at] - 1]
        name = document["strings"][document["frames"][3 * frame]]
        sums[name] = sums.get(name, 0) + profile["rows"][at + 2]
    return sums


def page_data(html):
    """The document in a page."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html,
                                re.S).group(1))


def write(directory, name, content, compress=False):
    path = os.path.join(directory, name)
    with open(path, "wb") as file:
        file.write(gzip.compress(content) if compress else content)
    return path


def main(tests):
    """Runs every function named test_*; each gets a directory of its own."""
    failed = []
    chosen = [(name, test) for name, test in tests.items() if name.startswith("test_")]
    for name, test in chosen:
        with tempfile.TemporaryDirectory(prefix="otprof-test-") as directory:
            try:
                test(directory)
            except Exception:  # the other tests are to run all the same
                failed.append(name)
                print(f"FAILED {name}", file=sys.stderr)
                traceback.print_exc()
    print(f"{len(chosen) - len(failed)} of {len(chosen)} passed")
    sys.exit(1 if failed or not chosen else 0)
