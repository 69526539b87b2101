"""A proxy in front of a fake or a real service that writes down what it was asked, and judges it by descriptions.

    proxy.py --upstream http://127.0.0.1:PORT --record FILE [--bodies]
             [--origin https://api.example.com --description FILE … --undescribed PREFIX …]

Says where it listens in one line, `{"origin": "http://127.0.0.1:PORT"}`, and ends with its standard input. Requests are
passed on as they came, whatever is found. Each is a line in the record: method, target, type, status, and `problems` if
there are descriptions (null for what none describes). Headers are never in it, bodies only if asked for.
"""

import argparse
import http.client
import json
import sys
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

# Of one connection, RFC 9110 §7.6.1; the length is set anew.
NOT_PASSED_ON = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}


class Recorder:
    """The file of what was asked, a JSON document a line."""

    def __init__(self, file):
        self.file = Path(file).open("w", encoding="utf-8")
        self.lock = threading.Lock()

    def note(self, entry):
        with self.lock:
            print(json.dumps(entry), file=self.file, flush=True)


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    # As many connections as a connector may have, before any is accepted.
    request_queue_size = 128

    def __init__(self, upstream, recorder, descriptions=None, bodies=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(upstream).netloc
        self.recorder = recorder
        self.descriptions = descriptions
        self.bodies = bodies

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the end of an answer waits for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """The record has it all."""

    def pass_on(self):
        body = self.body()
        headers = self.headers.items()
        entry = {"method": self.command, "target": self.path, "type": self.headers.get("content-type")}
        if self.server.bodies:
            try:
                entry["body"] = body.decode()
            except UnicodeDecodeError:
                entry["base64"] = b64encode(body).decode()
        if self.server.descriptions:
            entry["problems"] = self.server.descriptions.judge(self.command, self.path, headers, body)
        try:
            answer, content = self.ask(headers, body)
        except OSError:
            # Closed without an answer, as the service did.
            self.server.recorder.note(entry | {"status": None})
            self.close_connection = True
            return
        entry["status"] = answer.status
        # Before the answer: whoever has it may look into the record.
        self.server.recorder.note(entry)
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = pass_on

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def ask(self, headers, body):
        passed = {name: value for name, value in headers if name.lower() not in NOT_PASSED_ON}
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            upstream.request(self.command, self.path, body=body or None, headers=passed)
            answer = upstream.getresponse()
            return answer, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            upstream.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--bodies", action="store_true")
    parser.add_argument("--origin")
    parser.add_argument("--description", action="append", default=[])
    parser.add_argument("--undescribed", action="append", default=[])
    options = parser.parse_args()
    descriptions = None
    if options.description:
        # Reading them takes longer than all the rest, and what only records does not need it.
        from described import Descriptions

        descriptions = Descriptions(options.description, options.origin, options.undescribed)
    proxy = Proxy(options.upstream, Recorder(options.record), descriptions, options.bodies)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print(json.dumps({"origin": proxy.origin}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
