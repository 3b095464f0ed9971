"""The check-up: asks every entry whether it would work now. Makes no picture, costs nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from providers.base import Check, ProviderError, Quota
from studio.keys import key_of
from studio.offer import Planned
from studio.request import Request
from studio.studio import Studio
from studio.visitor import Visitor

OWNER = Visitor("owner", owner=True)
"""Who sits at the terminal."""

SECONDS = 25.0
"""After that nobody waits for an entry; adapters end by themselves before, as a rule."""

_NOT_ASKED = ("no_key", "no_address", "not_installed", "private")


@dataclass(frozen=True)
class Checked:
    """What is known of one entry: whether it can make a picture now, and why it can or cannot.

    `quota` is what the service itself says is left; `sample` tells a picture that is only drawn;
    `answers` is false where nobody did.
    """

    provider: str
    ok: bool
    reason: str
    quota: Quota | None = None
    sample: bool = False
    answers: bool = True


async def check_all(studio: Studio, seconds: float = SECONDS) -> list[Checked]:
    """Every entry, all asked at once, but for what is not set up or kept out by the privacy
    switch. Raises nothing that an adapter raises.
    """
    rows = await row_of_each(studio)
    return list(await asyncio.gather(*(_check(studio, row, seconds) for row in rows)))


async def probe(studio: Studio) -> None:
    """Ask those that need no key, all at once, and leave those alone for a while that do not
    answer: the first request then does not wait for them.
    """
    rows = [row for row in await studio.plan(OWNER) if row.state == "ready" and not row.sample]
    keyless = [row for row in rows if not key_of(row.entry, studio.environ)]
    checks = await asyncio.gather(*(_check(studio, row, SECONDS) for row in keyless))
    for row, check in zip(keyless, checks, strict=True):
        if not check.answers:
            await asyncio.to_thread(studio.ledger.rest, row)


async def row_of_each(studio: Studio) -> list[Planned]:
    """Every entry once, in the order of the plan: with its first offer that is not left out, if
    there is one. Those that Auto does not ask come last, as they are when asked for by name.
    """
    rows: dict[str, Planned] = {}
    for row in await studio.plan(OWNER):
        if not rows.setdefault(row.entry.name, row).place:
            rows[row.entry.name] = row
    for name in studio.config.providers:
        if name not in rows:
            (rows[name],) = await studio.plan(OWNER, Request("", provider=name))
    return list(rows.values())


async def _check(studio: Studio, row: Planned, seconds: float) -> Checked:
    name = row.entry.name
    if row.state in _NOT_ASKED:
        return Checked(name, False, str(row.said))
    key = key_of(row.entry, studio.environ)
    check = await _ask(studio, name, key, seconds)
    reason = "".join(filter(str.isprintable, " ".join(check.reason.split())))
    if key:
        reason = reason.replace(key, "•••")
    if check.ok:
        studio.router.forgive(name, row.account)
    if check.quota:
        await asyncio.to_thread(studio.ledger.record_quota, row.entry, row.account, check.quota)
    if check.ok and row.said:
        return Checked(name, False, f"{row.said}; {reason}", check.quota)
    return Checked(name, check.ok, reason, check.quota, row.sample, check.answers)


async def _ask(studio: Studio, name: str, key: str | None, seconds: float) -> Check:
    """The entry's own answer; whatever else comes of asking is a Check too."""

    async def ask() -> Check:
        return await studio.provider(name).check(key=key)

    asked = asyncio.ensure_future(ask())
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
    await asyncio.wait({asked}, timeout=seconds)
    if not asked.done():
        asked.cancel()  # and not awaited: it may not heed that
        return Check(False, f"no answer within {seconds:g} s", answers=False)
    try:
        return asked.result()
    except ProviderError as error:
        return Check.failed(error)
    except (Exception, asyncio.CancelledError) as error:
        return Check(False, f"a fault in its adapter ({type(error).__name__})")
