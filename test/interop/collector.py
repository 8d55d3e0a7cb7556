# SPDX-License-Identifier: Apache-2.0
"""A Collector process of the tests, and the relay before it that keeps what the agent sent."""
import gzip
import http.client
import http.server
import os
import struct
import subprocess
import threading
import time
import urllib.parse

import harness

CONFIG = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{port}
{tls}
exporters:
  file:
    path: {file}
    format: proto
  debug:
  otlphttp:
    endpoint: {forward}
    sending_queue:
      enabled: false
service:
  pipelines:
    {pipeline}:
      receivers: [otlp]
      exporters: [{exporters}]
"""


class Relay:
    """Keeps the body of each request and passes it on to `target`, which answers for it. Without a
    target it says yes to everything."""

    def __init__(self, target=None):
        self.bodies = []    # as they were on the wire, uncompressed
        self.answers = []   # (status, body)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                raw = self.rfile.read(int(self.headers['Content-Length']))
                packed = self.headers.get('Content-Encoding') == 'gzip'
                status, headers, body = outer.answer(self, raw)
                outer.answers.append((status, body))
                outer.bodies.append(gzip.decompress(raw) if packed else raw)
                self.send_response(status)
                for name in ('Content-Type', 'Retry-After'):
                    if headers.get(name):
                        self.send_header(name, headers[name])
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.target = target and urllib.parse.urlsplit(target)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def answer(self, request, raw):
        if self.target is None:
            return 200, {'Content-Type': 'application/x-protobuf'}, b''
        connection = http.client.HTTPConnection(self.target.netloc, timeout=60)
        try:
            headers = {name: value for name, value in request.headers.items()
                       if name.lower() not in ('host', 'connection', 'content-length')}
            connection.request('POST', request.path, raw, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), None) as server:
        return server.server_port


class Collector:
    """One run of the Collector `binary`; its files are in `directory`."""

    def __init__(self, binary, directory, exporters='file', forward='http://127.0.0.1:1', tls='',
                 pipeline='profiles', feature_gate=True):
        self.port = free_port()
        self.url = f'http{"s" if tls else ""}://localhost:{self.port}'
        self.file = os.path.join(directory, 'received.pb')
        self.log = os.path.join(directory, 'collector.log')
        config = os.path.join(directory, 'collector.yaml')
        with open(config, 'w', encoding='utf-8') as file:
            file.write(CONFIG.format(port=self.port, tls=tls, file=self.file, forward=forward,
                                     exporters=exporters, pipeline=pipeline))
        self.command = [binary, '--config', config]
        if feature_gate:
            self.command.append('--feature-gates=service.profilesSupport')
        self.process = None

    def __enter__(self):
        with open(self.log, 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while 'Everything is ready' not in self.messages():
            assert self.process.poll() is None and time.monotonic() < until, self.messages()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it as a service manager does: it writes out what it has."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=120)

    def messages(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def received(self):
        """The requests in the file exporter's output, each preceded by its size. After stop()."""
        with open(self.file, 'rb') as file:
            data = file.read()
        requests = []
        while data:
            size, = struct.unpack_from('>I', data)
            requests.append(data[4:4 + size])
            assert len(requests[-1]) == size, 'the file ends within a request'
            data = data[4 + size:]
        return requests


__all__ = ['Collector', 'Relay', 'harness']
