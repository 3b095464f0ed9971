"""Freebrush: one prompt, every image provider, the free ones first. Start with `python app.py`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio import Blocks

    from studio.config import Config

HERE = Path(__file__).parent


def main(arguments: Sequence[str] = ()) -> None:
    """Read the config, wire the floors, launch; or do what a switch asks for in the terminal."""
    asked = switches(arguments)
    from studio.config import ConfigError, load_config

    data = Path(os.environ.get("FREEBRUSH_DATA") or HERE / "data").resolve()
    # Gradio reads these when it is imported, and its cache must lie beside our pictures.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
    os.environ["GRADIO_TEMP_DIR"] = str(data / "gradio")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        config = load_config(Path(os.environ.get("FREEBRUSH_CONFIG") or HERE / "config.yaml"))
        if asked.check or asked.live:
            from api.terminal import check, live

            told = (config, data, os.environ)
            sys.exit(check(*told) if asked.check else live(*told, HERE))
        launch(config, data, asked_port())
    except (ConfigError, OSError) as error:
        sys.exit(f"Freebrush cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(0)


def switches(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Serves Freebrush, unless a switch asks for something else."
    )
    either = parser.add_mutually_exclusive_group()
    for switch, says in (
        ("--check", "ask every provider whether it would work; makes no picture, costs nothing"),
        ("--live", "ask every provider that is set up for one small picture, for at most $0.05 "
         "in all; lists them and asks you first"),
    ):  # fmt: skip
        either.add_argument(switch, action="store_true", help=says)
    return parser.parse_args(arguments)


def asked_port() -> int | None:
    """The port that was asked for, and no other one; None means 7860 or the next that is free."""
    from studio.config import ConfigError

    given = os.environ.get("GRADIO_SERVER_PORT", "").strip()
    if not given:
        os.environ.pop("GRADIO_SERVER_PORT", None)  # Gradio would stumble over an empty one
        return None
    if not re.fullmatch("[0-9]{1,5}", given) or not 0 < int(given) < 65536:
        raise ConfigError(f"GRADIO_SERVER_PORT must be a port from 1 to 65535, not {given!r}")
    return int(given)


def launch(config: Config, data: Path, port: int | None) -> None:
    """Build the studio, the page and the other doors, and serve them until told to stop."""
    from starlette.middleware import Middleware

    from studio.signing import Signer, load_secret
    from studio.studio import Studio

    studio = Studio(config, data, os.environ)
    signer = Signer(load_secret(os.environ, data), studio.clock)
    handed_out = data / "gradio" / "handed-out"

    from api.endpoints import add_endpoints
    from api.lifespan import lifespan_of
    from api.pictures import picture_route
    from ui.early_head import EarlyHead
    from ui.page import build_page
    from ui.theme import CSS, SCRIPT, theme

    page, words = build_page(studio, signer)
    add_endpoints(page, studio, handed_out)
    page.queue(default_concurrency_limit=None, max_size=500, api_open=False)
    page.launch(
        max_threads=1000, state_session_capacity=1000, max_file_size="5mb", ssr_mode=False,
        run_history=False, show_error=False, enable_monitoring=False, footer_links=["api"],
        theme=theme(), css=CSS, i18n=words, quiet=True, prevent_thread_lock=True,
        server_port=port,
        app_kwargs={
            "routes": [picture_route(studio, signer)],
            "lifespan": lifespan_of(studio, handed_out),
            "middleware": [Middleware(EarlyHead, html=f"<script>{SCRIPT}</script>")],
            "openapi_url": None,
        },
    )  # fmt: skip
    print(f"Freebrush is at {page.local_url} and keeps its data in {data}", flush=True)
    stop_with(page)
    page.block_thread()


def stop_with(page: Blocks) -> None:
    """End cleanly when told to: open pages hold connections that would keep the server up."""
    page.server.config.timeout_graceful_shutdown = 2
    logging.getLogger("uvicorn.error").addFilter(is_a_fault)
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: page.close(verbose=False))


def is_a_fault(record: logging.LogRecord) -> bool:
    """Not an answer that was cut off because the server ends."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


if __name__ == "__main__":
    main(sys.argv[1:])
