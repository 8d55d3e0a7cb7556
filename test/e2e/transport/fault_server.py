# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on 127.0.0.1 that does to its clients what real ones do on bad days.

FaultServer(actions) performs one action per request, in order, and repeats the last. An action is
called as action(connection, request) after the headers have been read, and returns True if the
connection may serve another request. Everything that arrives is kept in `requests`.
"""
import socket
import struct
import threading
import time


class Request:
    def __init__(self, head, connection_number):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.connection = connection_number
        self.time = time.monotonic()
        self.body = None  # None: not read to its end

    def values(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def length(self):
        return int((self.values("Content-Length") or ["0"])[0])


class Connection:
    def __init__(self, sock, number):
        self.socket = sock
        self.number = number
        self.unread = b""

    def read_head(self):
        while b"\r\n\r\n" not in self.unread:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.unread += data
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        return head

    def read_some(self, size):
        if not self.unread:
            self.unread = self.socket.recv(min(size, 65536))
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def read_body(self, request, chunk=1 << 20, pause=0):
        """The whole body, or None if the client went away."""
        parts, missing = [], request.length()
        while missing:
            data = self.read_some(min(chunk, missing))
            if not data:
                return None
            parts.append(data)
            missing -= len(data)
            time.sleep(pause)
        request.body = b"".join(parts)
        return request.body

    def reset(self):
        """Closes with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class FaultServer:
    def __init__(self, *actions, tls=None, listen=True):
        self.actions = list(actions)
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.failed_handshakes = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        if listen:
            self.listen()

    def listen(self):
        """Until now the port refused connections."""
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/v1development/profiles", host="127.0.0.1", scheme=None):
        return f"{scheme or ('https' if self.tls else 'http')}://{host}:{self.port}{path}"

    def close(self):
        self.closing.set()
        for sock in [self.listener, *self.sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(sock)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self.sockets.append(sock)
        except OSError as error:
            self.failed_handshakes.append(str(error))
            sock.close()
            return
        connection = Connection(sock, number)
        try:
            while self._one_request(connection):
                pass
        except OSError:
            pass
        sock.close()

    def _one_request(self, connection):
        head = connection.read_head()
        if head is None:
            return False
        request = Request(head, connection.number)
        with self.lock:
            self.requests.append(request)
            action = self.actions.pop(0) if len(self.actions) > 1 else self.actions[0]
        return action(connection, request)


# Actions.

def reply(status, body=b"", headers=(), close=False, chunked=False):
    """A complete, correct answer. A header value may be a function, called when it is sent."""
    def action(connection, request):
        if connection.read_body(request) is None:
            return False
        lines = [f"HTTP/1.1 {status} Reason"]
        lines += [f"{name}: {value() if callable(value) else value}" for name, value in headers]
        lines += ["Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"]
        lines += ["Connection: close"] if close else []
        payload = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        connection.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
        return not close
    return action


def raw(data, read_body=True):
    """Any bytes, then the end of the connection."""
    def action(connection, request):
        if read_body:
            connection.read_body(request)
        connection.socket.sendall(data)
        return False
    return action


def endless(head, block):
    """`head`, then `block` until the client hangs up."""
    def action(connection, request):
        connection.read_body(request)
        connection.socket.sendall(head)
        while True:
            connection.socket.sendall(block)
    return action


def reset_after(size):
    """Reads so many bytes of the body, then resets the connection."""
    def action(connection, request):
        while size and request.length() and len(connection.unread) < size:
            connection.unread += connection.socket.recv(4096)
        connection.reset()
        return False
    return action


def hang_up(connection, request):
    """Reads everything and closes in order, without a word."""
    connection.read_body(request)
    return False


def silence(connection, request):
    """Reads everything and never answers."""
    connection.read_body(request)
    connection.socket.recv(1)  # until the client goes
    return False


def read_slowly(chunk, pause, then):
    def action(connection, request):
        connection.read_body(request, chunk, pause)
        connection.socket.sendall(b"HTTP/1.1 %d Reason\r\nContent-Length: 0\r\n\r\n" % then)
        return True
    return action
