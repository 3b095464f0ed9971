"""Where a picture and what is known of it are kept: the gallery and the ledger, in that order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.gallery import Gallery
from studio.ledger import Ledger, Opened
from studio.receipt import Attempt, Receipt


@dataclass(frozen=True)
class Made:
    """A picture that was made: its file in the gallery, and the receipt."""

    path: Path
    receipt: Receipt


@dataclass(frozen=True)
class Book:
    """Where a picture and what is known of it are kept."""

    ledger: Ledger
    gallery: Gallery

    def enter(self, opened: Opened, attempt: Attempt, data: bytes, receipt: Receipt) -> Made:
        """Keep a picture: its file first, so that the ledger names none that is not there."""
        path = self.gallery.keep(data, receipt)
        self.ledger.succeed(opened, attempt, receipt, len(data))
        self.gallery.finish(receipt)
        return Made(path, receipt)
