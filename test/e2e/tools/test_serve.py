# SPDX-License-Identifier: Apache-2.0
"""otprof serve against clients that keep to OTLP/HTTP, and against others."""
import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from harness import OTPROF, PATH, PROTOBUF, Server, functions, main, otprof, status_text
from synthetic import Otlp, cpu_request

REQUEST = cpu_request([(["main", "f"], 3, "one"), (["main", "g"], [1, 2], "two")])


def test_a_request_is_added_up(_):
    with Server() as server:
        for _ in range(2):
            answer, content = server.post(REQUEST)
            assert answer.status == 200 and content == b"", (answer.status, content)
            assert answer.headers["Content-Type"] == PROTOBUF
        document = server.profile()
        assert functions(document) == {"f": 6, "g": 4}, functions(document)
        assert document["title"] == "shop"
        assert document["processes"] == [["app", 7, "shop"]]


def test_gzip_and_identity(_):
    with Server() as server:
        assert server.post(gzip.compress(REQUEST), Content_Encoding="gzip")[0].status == 200
        assert server.post(REQUEST, Content_Encoding="identity")[0].status == 200
        assert functions(server.profile())["f"] == 6


def test_an_empty_request_is_a_success(_):
    with Server() as server:
        assert server.post(b"")[0].status == 200


def test_chunked_bodies(_):
    with Server() as server:
        chunks = (REQUEST[i:i + 100] for i in range(0, len(REQUEST), 100))
        assert server.post(chunks)[0].status == 200
        assert functions(server.profile())["f"] == 3


def test_refusals_say_why(_):
    with Server() as server:
        for body, headers, status, text in (
                (b"hello", {}, 400, "not a protobuf message, or cut short"),
                (REQUEST[:-3], {}, 400, "not a protobuf message, or cut short"),
                (REQUEST, {"Content_Encoding": "gzip"}, 400, "the body is incomplete or damaged"),
                (REQUEST, {"Content_Encoding": "br"}, 415,
                 "Content-Encoding must be gzip or identity"),
                (REQUEST, {"Content_Type": "application/json"}, 415,
                 "Content-Type must be application/x-protobuf"),
                (REQUEST, {"OTLP_Profiles_Development_Version": "2"}, 400,
                 "unsupported development version")):
            answer, content = server.post(body, **headers)
            assert answer.status == status, (headers, answer.status)
            assert status_text(content) == text, content
        assert server.post(REQUEST, OTLP_Profiles_Development_Version="1")[0].status == 200
        # Nothing of what was refused was taken.
        assert functions(server.profile()) == {"f": 3, "g": 2}
        server.process.send_signal(signal.SIGINT)
        status, out, _ = server.stop()
        assert status == 0 and "1 requests taken, 6 refused" in out, (status, out)


def test_too_large_is_413_and_costs_little(_):
    with Server() as server:
        bomb = gzip.compress(bytes(200 << 20), 9)
        answer, content = server.post(bomb, Content_Encoding="gzip")
        assert answer.status == 413, answer.status
        assert status_text(content) == "the request is larger than 64 MiB"
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Type", PROTOBUF)
        connection.putheader("Content-Length", str(65 << 20))
        connection.endheaders()
        try:
            for _ in range(65):
                connection.send(bytes(1 << 20))
        except OSError:
            pass  # it need not listen to all of it
        assert connection.getresponse().status == 413
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        assert peak < 200 * 1024, f"{peak} KiB"
        assert server.post(REQUEST)[0].status == 200


def test_the_page_and_its_data(_):
    with Server() as server:
        answer, html = server.request("GET", "/")
        assert answer.status == 200 and html.startswith(b"<!DOCTYPE html>")
        assert b'id="data">null</script>' in html
        answer, _ = server.request("GET", "/profile.json")
        version = answer.headers["X-Otprof-Version"]
        assert server.request("GET", f"/profile.json?after={version}")[0].status == 204
        server.post(REQUEST)
        assert server.request("GET", f"/profile.json?after={version}")[0].status == 200
        assert server.request("GET", "/elsewhere")[0].status == 404
        assert server.request("GET", PATH)[0].status == 404


def test_another_host_name_is_refused(_):
    with Server() as server:
        for host, status in (("evil.example", 403), ("127.0.0.1.evil.example:4318", 403),
                             ("localhost:1", 200), ("[::1]:4318", 200)):
            answer, _ = server.request("GET", "/profile.json", headers={"Host": host})
            assert answer.status == status, (host, answer.status)


def test_clients_that_hang_up_or_stall_do_no_harm(_):
    with Server() as server:
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\n"
        for text in ("", "GARBAGE\r\n\r\n", head, head + "Content-Length: 50\r\n\r\nshort",
                     head + "Content-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(text.encode())
        stalled = socket.create_connection(("127.0.0.1", server.port))
        stalled.sendall(head.encode())
        assert server.post(REQUEST)[0].status == 200
        stalled.close()
        assert server.process.poll() is None


def test_store_keeps_requests_that_other_commands_read(directory):
    store = os.path.join(directory, "a", "b")
    with Server("--store", store) as server:
        server.post(REQUEST)
        server.post(gzip.compress(REQUEST), Content_Encoding="gzip")
    files = sorted(os.listdir(store))
    assert len(files) == 2, files
    result = otprof("top", *(os.path.join(store, name) for name in files))
    assert result.returncode == 0, result.stderr
    assert "10 samples, 100 ms of CPU time" in result.stdout, result.stdout


def test_state_and_events_of_a_heap(_):
    def request(time, allocated, in_use):
        otlp = Otlp()
        otlp.add([otlp.profile(kind, "space/bytes", 524288, [(["main", "f"], value, None)],
                               start=time)
                  for kind, value in (("alloc_space/bytes", allocated), ("inuse_space/bytes", in_use))])
        return otlp.encode()

    with Server() as server:
        server.post(request(10, 1000, 700))
        server.post(request(20, 500, 300))
        document = server.profile()
        assert document["profiles"][0]["types"] == [["alloc_space", "bytes"],
                                                    ["inuse_space", "bytes"]]
        assert document["profiles"][0]["rows"][2:] == [1500, 300], document["profiles"][0]["rows"]


def test_a_port_in_use_is_one_clear_line(_):
    with Server() as server:
        result = otprof("serve", "--listen", f"127.0.0.1:{server.port}")
        assert result.returncode == 1
        assert result.stderr == (f"otprof: cannot listen on http://127.0.0.1:{server.port}: "
                                 "Address already in use\n"), result.stderr


def test_listening_to_the_network_is_warned_of(_):
    process = subprocess.Popen([OTPROF, "serve", "--listen", "0.0.0.0:0"], stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.terminate()
    _, error = process.communicate(timeout=20)
    assert "not a loopback address" in error and error.count("\n") == 1, error


main(globals())
