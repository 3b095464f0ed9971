"""Stability: its REST API, and a real gRPC server on the SDK's own generated servicer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from providers import stability
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers

KEY = "sk-a-key-that-nobody-must-see"
MODEL, SDXL = "core", "stable-diffusion-xl-1024-v1-0"
INLINE = True
ASK = "POST /v2beta/stable-image/generate/core"
ASK_SD3 = "POST /v2beta/stable-image/generate/sd3"
BALANCE = "GET /v1/user/balance"
PLACES = {"asked": ASK}
HEADERS = {"content-type": "image/png", "finish-reason": "SUCCESS", "seed": "7"}


def entry(url: str, **more: Any) -> Entry:
    """`url` may be that of the REST API, or `host:port` of the gRPC server, which has no scheme."""
    models = tuple(Model(name, Decimal(0)) for name in (MODEL, "sd3.5-medium", SDXL))
    settings: dict[str, Any] = {"timeout": 5.0, "models": models, **more}
    if "://" in url:
        settings["base_url"] = url
    else:
        settings["options"] = {"grpc_host": url}
    return stability.TRAITS.complete(Entry("stability", "stability", **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    made = picture or Answer(body=canned("png"))
    made = replace(made, headers={**HEADERS, **made.headers})
    return {
        ASK: asked or made,
        ASK_SD3: asked or made,
        BALANCE: Answer(body={"credits": 24.95}),
    }


@dataclass
class Grpc:
    """A gRPC server. `fate` is what it does when asked: `make` a picture (`data`, ended by
    `finish`), `hang`, `keep` (a sign of life, and then nothing), `nothing`, or the name of a status
    code, which it ends with and `details`. `asked` has the requests, `ended` those that broke off.
    """

    fate: str = "make"
    data: bytes = field(default_factory=lambda: canned("png"))
    finish: str = "STOP"
    details: str = ""
    host: str = ""
    asked: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Any, context: Any) -> Iterator[Any]:
        import grpc
        from stability_sdk.api import generation

        self.asked.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        gone = threading.Event()
        context.add_callback(lambda: (gone.set(), self.ended.set()))
        self.came.set()
        if self.fate in ("hang", "keep"):
            if self.fate == "keep":
                yield generation.Answer(answer_id="1")
            gone.wait(30)
        elif self.fate == "make":
            labels = generation.Artifact(type=generation.ARTIFACT_CLASSIFICATIONS)
            image = generation.Artifact(
                type=generation.ARTIFACT_IMAGE,
                mime="image/png",
                binary=self.data,
                seed=request.image.seed[0],
                finish_reason=generation.FinishReason.Value(self.finish),
            )
            yield generation.Answer(answer_id="1")
            yield generation.Answer(answer_id="2", artifacts=[labels, image])
        elif self.fate != "nothing":
            context.abort(grpc.StatusCode[self.fate], self.details)


@contextmanager
def serve_grpc(**how: Any) -> Iterator[Grpc]:
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from stability_sdk.api import generation_grpc

    told = Grpc(**how)

    class Servicer(generation_grpc.GenerationServiceServicer):  # type: ignore[misc]
        def Generate(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
            return told.answer(request, context)

    threads = ThreadPoolExecutor(16)
    server = grpc.server(threads)
    generation_grpc.add_GenerationServiceServicer_to_server(Servicer(), server)
    told.host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield told
    finally:
        server.stop(0).wait()
        threads.shutdown()


class Cable:
    """A connection to `host` that can be pulled out: nothing else tells a broken one from an error
    that the server sends.
    """

    def __init__(self, host: str) -> None:
        self._target = host.rpartition(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        self._listener.close()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            near = self._listener.accept()[0]
            far = socket.create_connection((self._target[0], int(self._target[2])))
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
