"""Stability's gRPC API through its official SDK, which is synchronous and waits for ever by itself.

The SDK opens the channel and writes the request. The call itself is made here, because the SDK's
can neither be bounded in the time to connect nor be ended, and its channel not be closed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from providers._stability_errors import failure_of
from providers._stability_order import Order
from providers._stability_rest import Made
from providers.errors import NotConfigured, ProviderError, Refused, Spoilt, Unavailable, Unreachable

HOST = "grpc.stability.ai:443"
BREAK_SECONDS = 0.3
"""After which a broken connection is known to be one."""

WATCH_SECONDS = 0.25
"""For which gRPC may go on watching a channel, in a thread of its own that fails if it is closed
meanwhile: it looks for the end of its work every 0.2 seconds.
"""


class Call:
    """One call: `run` makes it, in a thread; `cut` ends it from any other, or before it begins.
    `sent`: the request has gone out, so that somebody may be at work.
    """

    def __init__(self, host: str, key: str, connect_timeout: float) -> None:
        self._host = host
        self._key = key
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._states: SimpleQueue[Any] = SimpleQueue()
        self._answers: Any = None
        self._cut = False
        self._watched_until = 0.0
        self.sent = False

    def run(self, order: Order, ends: float, lost: Callable[[str], ProviderError]) -> Made:
        """The picture, by `ends`, an instant of `time.monotonic`. `lost` makes the error for an
        answer that did not come whole. Raises a ProviderError.
        """
        Context, open_channel, GenerationServiceStub = _sdk()  # noqa: N806
        import grpc

        if self._cut:
            raise Unavailable("given up")
        channel = open_channel(self._host, self._key)
        try:
            self._connect(channel, grpc.ChannelConnectivity)
            stub = GenerationServiceStub(channel)
            request = Context(stub=stub, generate_engine_id=order.engine).generate(
                order.prompts, order.weights, **order.settings, return_request=True
            )
            with self._lock:
                seconds = ends - time.monotonic()
                if self._cut or seconds <= 0:
                    raise Unavailable("no time was left to ask")
                self.sent = True
                self._answers = stub.Generate(request, timeout=seconds, wait_for_ready=False)
            return _made_of(self._answers, order.settings["seed"])
        except grpc.RpcError as error:

            def is_broken() -> bool:
                return self._is_broken(channel, grpc.ChannelConnectivity.READY)

            code, details = error.code().name, error.details() or ""
            raise failure_of(code, details, self._key, is_broken, lost) from error
        finally:
            time.sleep(max(0.0, self._watched_until - time.monotonic()))
            channel.close()

    def cut(self) -> None:
        """Does not wait: closing the channel is left to `run`."""
        with self._lock:
            self._cut = True
        self._states.put(None)
        if self._answers is not None:
            self._answers.cancel()

    def _connect(self, channel: Any, states: Any) -> None:
        """Wait for the connection, which the SDK cannot: it waits not at all, or for ever."""
        ends, state = time.monotonic() + self._connect_timeout, None
        try:
            with self._watch(channel, self._states, try_to_connect=True):
                while state is not states.READY:
                    state = self._states.get(timeout=max(0.0, ends - time.monotonic()))
                    if state in (None, states.TRANSIENT_FAILURE, states.SHUTDOWN):
                        raise Unreachable(f"nobody answers at {self._host}")
        except Empty:
            raise Unreachable(f"nobody answers at {self._host}") from None

    def _is_broken(self, channel: Any, ready: Any) -> bool:
        """Whether the connection has gone. gRPC gives that the same code as a server that says it
        cannot serve: but the one may have been billed, and the other was not.
        """
        states: SimpleQueue[Any] = SimpleQueue()
        ends = time.monotonic() + BREAK_SECONDS
        try:
            with self._watch(channel, states):
                while states.get(timeout=max(0.0, ends - time.monotonic())) is ready:
                    pass
        except Empty:
            return False
        return True

    @contextmanager
    def _watch(
        self, channel: Any, states: SimpleQueue[Any], try_to_connect: bool = False
    ) -> Iterator[None]:
        """`states` gets the states of the channel as they come."""
        channel.subscribe(states.put, try_to_connect=try_to_connect)
        try:
            yield
        finally:
            channel.unsubscribe(states.put)
            self._watched_until = time.monotonic() + WATCH_SECONDS


def _made_of(answers: Any, seed: int) -> Made:
    """The picture in the stream of answers, some of which only say that it goes on. `seed` is the
    one that was asked for.
    """
    from stability_sdk.api import generation

    for answer in answers:
        for artifact in answer.artifacts:
            if artifact.finish_reason == generation.FILTER:
                raise Refused("the picture was held back by the content filter of Stability")
        for artifact in answer.artifacts:
            if artifact.finish_reason == generation.ERROR:
                raise Unavailable("the picture failed")
            if artifact.type == generation.ARTIFACT_IMAGE:
                return Made(artifact.binary, artifact.seed or seed or None)
    raise Spoilt("the answer holds no picture")


def _sdk() -> tuple[Any, Any, Any]:
    """What is taken from the SDK. Called in a thread, for the import takes a while."""
    try:
        from stability_sdk.api import Context, generation_grpc, open_channel
    except ImportError as error:
        if sys.version_info >= (3, 13):
            raise NotConfigured(
                "stability-sdk is not to be had for Python 3.13 or later; the other models of "
                "Stability do without it"
            ) from error
        raise NotConfigured(
            "stability-sdk is not installed; run: pip install stability-sdk"
        ) from error
    return Context, open_channel, generation_grpc.GenerationServiceStub
