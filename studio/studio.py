"""The studio: what every door calls. Checks a request, plans, routes, keeps the picture."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from random import SystemRandom
from typing import Any

from providers.base import Picture, Provider
from studio.budget import Purse
from studio.config import Config
from studio.database import open_database
from studio.gallery import Gallery, digest
from studio.keys import with_address
from studio.ledger import Figures, Ledger
from studio.loader import create_provider
from studio.plan import Moment, Planned, make_plan
from studio.receipt import NobodyCould, Receipt
from studio.request import MAX_SEED, Request, check_request
from studio.router import Job, Router, Watch
from studio.visitor import Visitor, visitor_of


@dataclass(frozen=True)
class Made:
    """A picture that was made: its file in the gallery, and the receipt."""

    path: Path
    receipt: Receipt


class Studio:
    """One installation: its config, ledger and gallery, and the providers as they are needed."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        environ: Mapping[str, str],
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        entries = {n: with_address(e, environ) for n, e in config.providers.items()}
        self.config = replace(config, providers=entries)
        self.folder = folder
        self.environ = environ
        self.clock = clock
        engine = open_database(folder)
        self.ledger = Ledger(engine, clock)
        self.purse = Purse(engine, config.budget, clock)
        self.gallery = Gallery(folder / "pictures")
        self._engine = engine
        self._providers: dict[str, Provider] = {}
        self._router = Router(self.config, self.provider, self.ledger, self.purse)

    def provider(self, name: str) -> Provider:
        """The provider of an entry, made on first use and kept."""
        if name not in self._providers:
            self._providers[name] = create_provider(self.config.providers[name])
        return self._providers[name]

    def visitor(self, headers: Mapping[str, str]) -> Visitor:
        """Who is behind a request with these headers."""
        return visitor_of({name.lower(): headers[name] for name in headers}, self.environ)

    def check(self, **raw: Any) -> Request:
        """The request in a door's raw values. Raises BadInput with a sentence naming the field."""
        return check_request(self.config, **raw)

    async def plan(self, visitor: Visitor, request: Request | None = None) -> list[Planned]:
        """Who would be asked now, in this order, and who is left out and why."""
        return await asyncio.to_thread(self._plan, visitor, request)

    async def figures(self) -> dict[tuple[str, str], Figures]:
        """How each offer has done so far, by entry and model."""
        return await asyncio.to_thread(self.ledger.figures)

    async def generate(
        self, request: Request, visitor: Visitor, watch: Watch = lambda *_: None
    ) -> Made:
        """One picture and its receipt. Raises NobodyCould with the trail."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        seed = SystemRandom().randint(0, MAX_SEED) if request.seed is None else request.seed
        job = Job(
            uuid.uuid4().hex, request, seed, visitor, self.environ,
            started + self.config.deadline, watch,
        )  # fmt: skip
        plan = await self.plan(visitor, request)
        await asyncio.to_thread(self.ledger.record_request, job.id, visitor.id, request, seed)
        row, picture, attempts = await self._router.run(job, plan)
        if row is None or picture is None:
            raise NobodyCould(job.id, tuple(attempts))
        receipt = Receipt(
            job.id, row.entry.name, row.model.id, picture.seed, picture.width, picture.height,
            picture.media_type, digest(picture.data), loop.time() - started, picture.cost_usd,
            row.paid_by, row.sample, picture.notes, tuple(attempts),
        )  # fmt: skip
        return await asyncio.shield(asyncio.to_thread(self._keep, picture, receipt))

    async def aclose(self) -> None:
        """Close the providers and the database."""
        for provider in self._providers.values():
            await provider.aclose()
        self._engine.dispose()

    def _plan(self, visitor: Visitor, request: Request | None) -> list[Planned]:
        left = self.purse.left_today(visitor)
        moment = Moment(self.clock(), self.environ, left, self.ledger.used)
        return make_plan(self.config, moment, request)

    def _keep(self, picture: Picture, receipt: Receipt) -> Made:
        path = self.gallery.keep(picture.data, receipt)
        self.ledger.record_receipt(receipt)
        return Made(path, receipt)
