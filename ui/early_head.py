"""Puts our script at the very start of the page's head, before Gradio chooses a language."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class EarlyHead:
    """ASGI middleware: inserts `html` right behind `<head>` of the page at `/`."""

    def __init__(self, app: ASGIApp, html: str) -> None:
        self._app = app
        self._html = html.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/", ""):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def hold(message: Message) -> None:
            """Keep the answer back until all of it is there: its length changes."""
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = body.replace(b"<head>", b"<head>" + self._html, 1)
            headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
            headers.append((b"content-length", str(len(page)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, hold)
