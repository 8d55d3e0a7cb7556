# SPDX-License-Identifier: Apache-2.0
"""An OTLP receiver that keeps what it has acknowledged, and does to its clients what it is told."""
import gzip
import threading

import paths  # noqa: F401
from fault_server import FaultServer


class AckingServer(FaultServer):
    """`accepted`: the bodies that were answered 200. `behave(number)` chooses the action for the
    number-th request, from 0; None or no function: 200."""

    def __init__(self, behave=None, **options):
        super().__init__(self._act, **options)
        self.behave = behave
        self.accepted = []
        self.answers = 0
        self._guard = threading.Lock()

    def _act(self, connection, request):
        with self._guard:
            number = self.answers
            self.answers += 1
        action = self.behave(number) if self.behave else None
        if action is not None:
            return action(connection, request)
        if connection.read_body(request) is None:
            return False
        body = request.body
        if request.values("Content-Encoding") == ["gzip"]:
            body = gzip.decompress(body)
        with self._guard:
            self.accepted.append(body)
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    def base(self):
        return self.url("", scheme="https" if self.tls else "http")
