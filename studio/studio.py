"""The studio: what every door calls. Checks a request, plans, routes, keeps the picture."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from random import SystemRandom
from typing import Any

from providers.base import Provider
from studio import allowance, budget, rests, rollups
from studio.book import Book, Made
from studio.config import Config
from studio.database import open_database, reading
from studio.gallery import Gallery
from studio.heartbeat import Heartbeat
from studio.job import Job, Watch
from studio.keys import with_address
from studio.ledger import Ledger
from studio.loader import create_provider
from studio.offer import Moment, Planned
from studio.plan import make_plan
from studio.receipt import Attempt, NobodyCould
from studio.repeats import await_first, sent_before
from studio.request import MAX_SEED, Request, check_pictures, check_request
from studio.rollups import Figures
from studio.router import Router
from studio.visitor import Visitor, visitor_of
from studio.words import Said

__all__ = ["Made", "Studio"]


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
        self._engine = open_database(folder, environ.get("DATABASE_URL", "").strip() or None)
        self.ledger = Ledger(self._engine, clock, config.store_prompts)
        self.gallery = Gallery(folder / "pictures")
        self.book = Book(self.ledger, self.gallery)
        self.router = Router(self.config, self.provider, self.book)
        self._providers: dict[str, Provider] = {}
        self._heartbeat = Heartbeat(self.ledger, self.gallery, config.keep_pictures)

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

    def left_today(self, visitor: Visitor) -> Decimal:
        """What this visitor may still spend today, in dollars. Blocking."""
        with reading(self._engine) as connection:
            return budget.left_today(connection, self.config.budget, visitor, self.clock())

    async def plan(
        self, visitor: Visitor, request: Request | None = None, pictures: int = 1
    ) -> list[Planned]:
        """Who would be asked now, in this order, and who is left out and why."""
        return await asyncio.to_thread(self._plan, visitor, request, pictures)

    async def figures(self) -> dict[tuple[str, str], Figures]:
        """How each offer has done so far, by entry and model."""
        return await asyncio.to_thread(self._figures)

    async def generate(
        self,
        request: Request,
        visitor: Visitor,
        watch: Watch = lambda *_: None,
        idempotency_key: str | None = None,
    ) -> Made:
        """One picture and its receipt. Raises NobodyCould with the trail.

        Whoever sends the same `idempotency_key` again gets what came, or will come, of the first.
        """
        (made,) = await self.generate_many(request, visitor, 1, watch, idempotency_key)
        if isinstance(made, NobodyCould):
            raise made
        return made

    async def generate_many(
        self,
        request: Request,
        visitor: Visitor,
        pictures: int,
        watch: Watch = lambda *_: None,
        idempotency_key: str | None = None,
    ) -> list[Made | NobodyCould]:
        """So many pictures with seeds that follow each other, each with an attempt chain of its
        own. There must be money for all of them before one is made. Raises BadInput where there
        are more than the config allows.
        """
        pictures = check_pictures(self.config, pictures)
        self.begin()
        first = SystemRandom().randint(0, MAX_SEED) if request.seed is None else request.seed
        plan = await self.plan(visitor, request, pictures)
        now = asyncio.get_running_loop().time()
        jobs = [
            Job(uuid.uuid4().hex, request, (first + number) % (MAX_SEED + 1), visitor,
                self.environ, now, now + self.config.deadline, watch, pictures)
            for number in range(pictures)
        ]  # fmt: skip
        keys = [f"{idempotency_key}/{n}" if idempotency_key else None for n in range(pictures)]
        if keys[0]:  # one that asks for something else is refused before any of it begins
            await asyncio.to_thread(sent_before, self.ledger, jobs[0], keys[0])
        making = [
            asyncio.ensure_future(self._make(job, key, plan))
            for job, key in zip(jobs, keys, strict=True)
        ]
        try:
            return await asyncio.gather(*making)
        finally:  # by itself it leaves as soon as the first of them is stopped, or fails
            await asyncio.gather(*making, return_exceptions=True)

    def begin(self) -> None:
        """Look after the ledger from now on; the first request does so too."""
        self._heartbeat.start()

    async def aclose(self) -> None:
        """End what still runs, and close the providers and the database."""
        await self.router.aclose()
        for provider in self._providers.values():
            await provider.aclose()
        await asyncio.to_thread(self._heartbeat.stop)
        self._engine.dispose()

    async def _make(self, job: Job, key: str | None, plan: list[Planned]) -> Made | NobodyCould:
        trail: list[Attempt] = []
        self.ledger.requests.add(job.id)
        begun = asyncio.ensure_future(asyncio.to_thread(
            self.ledger.begin_request, job.id, job.visitor.id, job.request, job.seed, key,
            job.pictures,
        ))  # fmt: skip
        try:
            if not await asyncio.shield(begun) and key:
                return await await_first(self.book, job, key)
            made = await self.router.run(job, plan, trail)
        except asyncio.CancelledError:
            trail.append(Attempt("auto", "", "skipped", str(Said("stopped"))))
            await asyncio.shield(self._end(begun, job.id, trail))
            raise
        finally:
            self.ledger.requests.discard(job.id)
        if made:
            return made
        await asyncio.to_thread(self.ledger.end_request, job.id, trail)
        return NobodyCould(job.id, tuple(trail))

    async def _end(self, begun: asyncio.Future[bool], job: str, trail: list[Attempt]) -> None:
        """What was stopped is ended, also where it was stopped while it was being written down."""
        await asyncio.wait({begun})
        await asyncio.to_thread(self.ledger.end_request, job, trail)

    def _figures(self) -> dict[tuple[str, str], Figures]:
        with reading(self._engine) as connection:
            return rollups.figures(connection)

    def _plan(self, visitor: Visitor, request: Request | None, pictures: int) -> list[Planned]:
        now, mine = self.clock(), self.config.budget
        with reading(self._engine) as connection:
            known = rests.all_rests(connection)
            moment = Moment(
                now,
                self.environ,
                budget.left_today(connection, mine, visitor, now),
                lambda usd: budget.budget_holds(mine, visitor, usd, now),
                lambda entry, model, account: allowance.allowance_of(
                    connection, entry, model, account, now
                ),
                lambda entry, model, account: (
                    self.router.not_set_up(entry, account)
                    or rests.rest_of(known, entry, model, account)
                ),
            )
            return make_plan(self.config, moment, request, pictures)
