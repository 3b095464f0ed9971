"""A real HTTP server on 127.0.0.1 that answers as told, and breaks as told.

    with serve({"POST /api/paint": Answer(body={"ok": True})}) as server:
        call(server.url + "/api/paint")
    assert server.requests[0].json == {"prompt": "a fox"}

It runs in threads of its own, so synchronous, asynchronous and subprocess tests can use it alike.
`answers` maps `"METHOD /path"` or `"/path"` (without the query) to an Answer, to a list of them
(one for each request, the last for all further ones), or to a function of the Request; a single
Answer or function serves all paths. Whatever is not named is 404, as FastAPI says it. `upgrade`
takes over the socket of a request that asks for another protocol, such as a websocket.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["hang", "hang_within", "close", "break_off", "drip"]
"""`hang`: no answer; `hang_within`: half of the body, then nothing; `close`: the connection is
closed without an answer; `break_off`: half of the body, then closed; `drip`: byte by byte. What
hangs does so until `Server.release` is set or the server ends.
"""


@dataclass(frozen=True)
class Answer:
    """`body` may be bytes, text, or anything that JSON can say (then with its content type)."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = b""
    fault: Fault | None = None

    def encoded(self) -> tuple[dict[str, str], bytes]:
        headers = {name.lower(): str(value) for name, value in self.headers.items()}
        if isinstance(self.body, bytes):
            return headers, self.body
        if isinstance(self.body, str):
            return headers, self.body.encode()
        return {"content-type": "application/json", **headers}, json.dumps(self.body).encode()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    port: int  # the caller's: another one for each connection

    @property
    def json(self) -> Any:
        return json.loads(self.body)


NOT_FOUND = Answer(404, {}, {"detail": "Not Found"})
Answers = Answer | Callable[[Request], Answer] | Mapping[str, Any]
Upgrade = Callable[[Request, socket.socket], None]


class Server:
    """`requests` are those that came, in order; `release` ends all hanging."""

    def __init__(self, answers: Answers, upgrade: Upgrade | None = None) -> None:
        self.upgrade = upgrade
        self.requests: list[Request] = []
        self.release = threading.Event()
        self._answers = answers
        self._came = threading.Condition()
        self.url = ""

    def to(self, path: str) -> list[Request]:
        """The requests to `path`, or to `"METHOD /path"`."""
        return [r for r in self.requests if path in (r.path, f"{r.method} {r.path}")]

    def wait_for(self, path: str, seconds: float = 5) -> bool:
        """Block until a request to `path` has come; in an async test, in a thread."""
        with self._came:
            return self._came.wait_for(lambda: bool(self.to(path)), seconds)

    def answer(self, request: Request) -> Answer:
        with self._came:
            self.requests.append(request)
            self._came.notify_all()
            found: Any = self._answers
            if isinstance(found, Mapping):
                named = f"{request.method} {request.path}"
                key = named if named in found else request.path
                found = found.get(key, NOT_FOUND)
                if isinstance(found, list):
                    found = found[min(len(self.to(key)), len(found)) - 1]
        answer: Answer = found(request) if callable(found) else found
        return answer


@contextmanager
def serve(answers: Answers, port: int = 0, *, upgrade: Upgrade | None = None) -> Iterator[Server]:
    server = Server(answers, upgrade)
    handler = type("Handler", (_Handler,), {"told": server})
    with _Listener(("127.0.0.1", port), handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release.set()
            http.shutdown()
            thread.join()


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, a dozen callers at once see connections reset


class _Handler(BaseHTTPRequestHandler):
    told: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # the other side has gone: that is no fault here
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                line = (self.command, path, query)
                request = Request(*line, headers, body, self.client_address[1])
                if "upgrade" in headers and self.told.upgrade:
                    self.close_connection = True
                    self.told.upgrade(request, self.connection)
                else:
                    self._send(self.told.answer(request))

    def _send(self, answer: Answer) -> None:
        self.close_connection |= bool(answer.fault)
        if answer.fault == "hang":
            self.told.release.wait()
        if answer.fault in ("hang", "close"):
            return
        headers, body = answer.encoded()
        headers = {"content-length": str(len(body)), **headers}
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if answer.fault in ("hang_within", "break_off"):
            self.wfile.write(head + body[: len(body) // 2])
            if answer.fault == "hang_within":
                self.told.release.wait()
        elif answer.fault == "drip":
            for byte in head + body:
                self.wfile.write(bytes([byte]))
                self.told.release.wait(0.02)
        else:
            self.wfile.write(head + body)
