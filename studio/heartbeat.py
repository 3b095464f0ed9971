"""Looks after the ledger and the gallery every few seconds, beside all that runs."""

from __future__ import annotations

import logging
import threading
import time

from studio.clearing import clear
from studio.config import Keep
from studio.gallery import Gallery
from studio.leases import renew, sweep
from studio.ledger import LEASE, Ledger

_log = logging.getLogger(__name__)

RENEWED_EVERY = LEASE.total_seconds() / 3
"""Seconds."""

_A_DAY = 86400.0


class Heartbeat:
    """Renews this process's leases and settles those of processes that are gone, in a thread of its
    own, so that no busy event loop and no crowd of workers holds it up.
    """

    def __init__(self, ledger: Ledger, gallery: Gallery, keep: Keep) -> None:
        self._ledger, self._gallery, self._keep = ledger, gallery, keep
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            for work in (
                lambda: renew(self._ledger),
                lambda: sweep(self._ledger, self._gallery),
                lambda: clear(self._ledger, self._gallery, self._keep),
                lambda: self._gallery.tidy(time.time() - _A_DAY),
            ):
                try:
                    work()
                except Exception as error:  # whatever it was, the next beat must come
                    _log.warning("the ledger could not be looked after: %s", error)
            if self._over.wait(RENEWED_EVERY):
                return
