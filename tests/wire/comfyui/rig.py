"""A ComfyUI of one queue, over HTTP and a real websocket: messages, history, queue and interrupt
come as a real ComfyUI 0.3.64 sends them (recorded 2026-11-23).
"""

from __future__ import annotations

import json
import socket as sockets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from providers import comfyui
from providers.base import Entry, Model
from tests import loopback
from tests.canned import picture as canned
from tests.loopback import Answer, Request

KEY = "a-proxy-token-that-nobody-must-see"
MODEL = "default"
INLINE = False
PLACES = {"asked": "POST /prompt", "view": "GET /view", "models": "GET /models"}
CHECKPOINTS = ["sd15_random_tiny.safetensors", "anime/xl turbo.safetensors"]
STEPS = 2


def entry(url: str, **more: Any) -> Entry:
    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    return comfyui.TRAITS.complete(Entry("comfy", "comfyui", base_url=url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None, **how: Any) -> Comfy:
    comfy = Comfy(**how)
    if asked:
        comfy.instead["POST /prompt"] = asked
    if picture:
        comfy.instead["GET /view"] = picture
    return comfy


def ended(body: Any) -> Callable[[Request], Answer]:
    """The history, in which every job has ended like that."""
    return lambda request: Answer(body={request.path.rpartition("/")[2]: body})


@contextmanager
def serve(comfy: Comfy) -> Iterator[loopback.Server]:
    with loopback.serve(comfy.answer, upgrade=comfy.listen) as server:
        worker = threading.Thread(target=comfy.work)
        worker.start()
        try:
            yield server
        finally:
            comfy.close()
            worker.join()


@dataclass(frozen=True)
class Job:
    id: str
    number: int
    graph: dict[str, Any]
    client: str

    @property
    def listed(self) -> list[Any]:
        return [self.number, self.id, self.graph, {"client_id": self.client}, ["9"]]


@dataclass
class Comfy:
    """`instead` has answers (or functions) that take the place of its own, by `"METHOD /path"`.

    `hold` keeps a job from beginning, `pause` from ending; `fate` is a message that ends each job
    in place of success; `websocket` may be refused, be mute, or drop when a job begins.
    """

    instead: dict[str, Any] = field(default_factory=dict)
    websocket: str = "open"
    fate: tuple[str, dict[str, Any]] | None = None
    hold: bool = False
    pause: bool = False
    own_ids: bool = True
    image: dict[str, str] = field(
        default_factory=lambda: {"filename": "x_00001_.png", "subfolder": "", "type": "temp"}
    )
    history: dict[str, Any] = field(default_factory=dict)
    pending: list[Job] = field(default_factory=list)
    running: Job | None = None

    def __post_init__(self) -> None:
        self._closed = threading.Event()
        self._interrupted = threading.Event()
        self._lock = threading.RLock()
        self._clients: dict[str, _Client] = {}
        self._numbers = iter(range(1_000_000))
        self._cache: set[str] = set()

    # HTTP

    def answer(self, request: Request) -> Answer:
        if "origin" in request.headers:
            return Answer(403)
        name = f"{request.method} /{request.path.split('/')[1]}"
        found = self.instead.get(name)
        if found is not None:
            given: Answer = found(request) if callable(found) else found
            return given
        routes: dict[str, Callable[[Request], Answer]] = {
            "POST /prompt": self._prompt,
            "GET /history": lambda r: self._json(self._history(r.path.rpartition("/")[2])),
            "GET /queue": lambda _: self._json(self._queue()),
            "POST /queue": self._delete,
            "POST /interrupt": self._interrupt,
            "GET /view": self._view,
            "GET /models": lambda _: self._json(CHECKPOINTS),
            "GET /system_stats": lambda _: self._json(STATS),
        }
        return routes[name](request) if name in routes else Answer(404, body="404: Not Found")

    @staticmethod
    def _json(body: Any) -> Answer:
        return Answer(body=body)

    def _prompt(self, request: Request) -> Answer:
        with self._lock:
            number = next(self._numbers)
            own = request.json.get("prompt_id") if self.own_ids else None
            job = Job(
                own or f"{number:08}-aaaa", number, request.json["prompt"],
                request.json.get("client_id", ""),
            )  # fmt: skip
            self.pending.append(job)
        self._say_status()
        self._say_status()
        return self._json({"prompt_id": job.id, "number": number, "node_errors": {}})

    def _history(self, job: str) -> dict[str, Any]:
        with self._lock:
            return {job: self.history[job]} if job in self.history else {}

    def _queue(self) -> dict[str, Any]:
        with self._lock:
            running = [self.running.listed] if self.running else []
            return {"queue_running": running, "queue_pending": [j.listed for j in self.pending]}

    def _delete(self, request: Request) -> Answer:
        with self._lock:
            self.pending = [job for job in self.pending if job.id not in request.json["delete"]]
        self._say_status()
        return Answer()

    def _interrupt(self, request: Request) -> Answer:
        with self._lock:
            if self.running and request.json.get("prompt_id") in (None, self.running.id):
                self._interrupted.set()
        return Answer()

    def _view(self, request: Request) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(request.query).items()}
        if asked != {name: value for name, value in self.image.items() if value}:
            return Answer(404)
        return Answer(headers={"content-type": "image/png"}, body=canned("png"))

    # The queue

    def work(self) -> None:
        while not self._closed.wait(0.005):
            with self._lock:
                if self.hold or self.running or not self.pending:
                    continue
                job = self.running = self.pending.pop(0)
                self._interrupted.clear()
            self._run(job)

    def _run(self, job: Job) -> None:
        messages: list[Any] = []

        def say(kind: str, **data: Any) -> None:
            data = {**data, "prompt_id": job.id}
            if kind.startswith("execution"):
                data["timestamp"] = 1763936393000
                messages.append([kind, data])
            self._say(job.client, kind, data)

        say("execution_start")
        known = json.dumps(job.graph, sort_keys=True)
        say("execution_cached", nodes=sorted(job.graph) if known in self._cache else [])
        if known not in self._cache:
            for node, made in job.graph.items():
                say("progress_state", nodes={node: {"value": 0, "max": 1, "state": "running"}})
                say("executing", node=node, display_node=node)
                if made["class_type"] == "KSampler":
                    self._sample(say, node)
                if self._interrupted.is_set():
                    break
        if self._interrupted.is_set():
            self._end(job, messages, ("execution_interrupted", {"node_id": "3"}), say)
        elif self.fate:
            self._end(job, messages, self.fate, say)
        else:
            self._cache.add(known)
            self._end(job, messages, ("execution_success", {}), say)

    def _sample(self, say: Callable[..., None], node: str) -> None:
        for step in range(1, STEPS + 1):
            say("progress", value=step, max=STEPS, node=node)
            if step == STEPS - 1:
                while (
                    self.pause and not self._interrupted.wait(0.005) and not self._closed.is_set()
                ):
                    pass
            if self._interrupted.is_set():
                return

    def _end(self, job: Job, messages: list[Any], end: tuple[str, Any], say: Any) -> None:
        good = end[0] == "execution_success"
        outputs = {"9": {"images": [self.image]}} if good and self.image else {}
        if good and outputs:
            say("executed", node="9", display_node="9", output=outputs["9"])
        say(end[0], **end[1])
        with self._lock:
            self.running = None
            self.history[job.id] = {
                "prompt": job.listed,
                "outputs": outputs,
                "status": {
                    "status_str": "success" if good else "error",
                    "completed": good,
                    "messages": messages,
                },
                "meta": {},
            }
        self._say_status()
        say("executing", node=None)

    # The websocket

    def listen(self, request: Request, sock: sockets.socket) -> None:
        if self.websocket == "refused" or "origin" in request.headers:
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return
        name = parse_qs(request.query)["clientId"][0]
        with self._lock:  # nobody may be told that it is open before it is in the list
            client = self._clients[name] = _Client(sock, request)
        if self.websocket != "mute":
            client.say("status", {"status": self._remaining(), "sid": name})
        client.read()
        with self._lock:
            self._clients.pop(name, None)

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            for client in self._clients.values():
                client.close()

    def _remaining(self) -> dict[str, Any]:
        with self._lock:
            count = len(self.pending) + bool(self.running)
        return {"exec_info": {"queue_remaining": count}}

    def _say_status(self) -> None:
        for name in list(self._clients):
            self._say(name, "status", {"status": self._remaining()})

    def _say(self, name: str, kind: str, data: dict[str, Any]) -> None:
        with self._lock:
            client = self._clients.get(name)
        if client and self.websocket != "mute":
            client.say(kind, data)
            if kind == "progress":
                client.preview()
            if kind == "execution_start" and self.websocket == "drops":
                client.close()


class _Client:
    """One websocket, spoken by the protocol of the `websockets` package on a socket of ours."""

    def __init__(self, sock: sockets.socket, request: Request) -> None:
        self._sock = sock
        self._protocol = ServerProtocol()
        self._lock = threading.Lock()
        lines = [f"GET {request.path}?{request.query} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        with self._lock:
            self._protocol.receive_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
            [handshake] = self._protocol.events_received()
            assert isinstance(handshake, Handshake)
            self._protocol.send_response(self._protocol.accept(handshake))
            self._flush()

    def say(self, kind: str, data: dict[str, Any]) -> None:
        with self._lock, suppress(Exception):  # it may have gone
            self._protocol.send_text(json.dumps({"type": kind, "data": data}).encode())
            self._flush()

    def preview(self) -> None:
        """Event 1, a preview; form 1, a JPEG."""
        with self._lock, suppress(Exception):
            self._protocol.send_binary(b"\0\0\0\1\0\0\0\1" + canned("jpeg"))
            self._flush()

    def read(self) -> None:
        with suppress(OSError):
            while data := self._sock.recv(65536):
                with self._lock:
                    self._protocol.receive_data(data)
                    self._flush()
                    if self._protocol.close_expected():
                        return

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(sockets.SHUT_RDWR)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._sock.sendall(data)


STATS = {
    "system": {"os": "posix", "comfyui_version": "0.3.64", "python_version": "3.11"},
    "devices": [{"name": "cpu", "type": "cpu", "index": None}],
}
