"""The door in the terminal: `python app.py --check` and `--live`. Knows no Gradio."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from providers.base import Quota
from studio.checkup import Checked, check_all
from studio.config import Config
from studio.live import LIVE_USD, Offer, facts_of, for_live, live_offers, try_live, write_down
from studio.receipt import Attempt
from studio.studio import Studio

READMES = ("README.md", "README.zh-CN.md")


def check(config: Config, data: Path, environ: Mapping[str, str]) -> int:
    """Print what every entry says; 0 if one of them, other than a sample, can make a picture."""
    _print_anything()
    with TemporaryDirectory() as nothing:  # for looking, no data folder is made
        folder = data if (data / "ledger.db").exists() else Path(nothing)
        return asyncio.run(_check(Studio(config, folder, environ)))


async def _check(studio: Studio) -> int:
    try:
        checks = await check_all(studio)
        print(described(checks), flush=True)
    finally:
        await studio.aclose()
    return 0 if any(check.ok and not check.sample for check in checks) else 1


def described(checks: Sequence[Checked]) -> str:
    """The table, and a line that sums it up."""
    wide = max(len(check.provider) for check in checks)
    lines = [
        f"{check.provider:{wide}}  {_state(check):6}  {check.reason}{_left(check.quota)}"
        for check in checks
    ]
    able = [check.provider for check in checks if check.ok and not check.sample]
    count = f"{len(able)} of {len(checks)} can make a picture now"
    return "\n".join([*lines, "", f"{count}: {', '.join(able)}" if able else count])


def _state(check: Checked) -> str:
    return "-" if not check.ok else "sample" if check.sample else "ready"


def _left(quota: Quota | None) -> str:
    if quota is None:
        return ""
    of = "" if quota.limit is None else f" of {quota.limit:f}"
    resets = f", resets {quota.resets_at:%Y-%m-%d %H:%M} UTC" if quota.resets_at else ""
    return (
        f" [{quota.left:f}{of} {quota.unit} left{resets}, as of {quota.as_of:%Y-%m-%d %H:%M} UTC]"
    )


def live(config: Config, data: Path, environ: Mapping[str, str], readmes: Path) -> int:
    """Ask for one small picture each, after a yes; 0 if at least one came."""
    _print_anything()
    return asyncio.run(_live(Studio(for_live(config), data, environ), readmes))


async def _live(studio: Studio, readmes: Path) -> int:
    try:
        chosen = _chosen(await live_offers(studio))
        if not chosen or not _agreed(len(chosen)):
            return 1
        day, came = f"{studio.clock():%Y-%m-%d}", 0
        async for attempt in try_live(studio, chosen):
            if attempt.outcome == "skipped":
                print(f"{attempt.provider}  {attempt.reason}", flush=True)
                continue
            print("  ".join((*facts_of(attempt, day), attempt.reason)).rstrip(), flush=True)
            _write_down(readmes, attempt, day)
            if attempt.outcome == "succeeded":
                came += 1
                print(f"  in config.yaml, under {attempt.provider}: verified: live {day}")
    finally:
        await studio.aclose()
    return 0 if came else 1


def _chosen(offers: Sequence[Offer]) -> list[Offer]:
    """Those that will be asked, after all of them are listed."""
    for offer in offers:
        price = "left out" if offer.left_out else f"${offer.usd:f}"
        why = f": {offer.left_out}" if offer.left_out else ""
        print(f"{price:8}  {offer.row.entry.name} ({offer.row.model.id}){why}")
    chosen = [offer for offer in offers if not offer.left_out]
    total = sum((offer.usd for offer in chosen), Decimal(0))
    print(f"\n{len(chosen)} to ask, for ${total:f} at list prices; the ceiling is ${LIVE_USD}")
    return chosen


def _agreed(count: int) -> bool:
    if not sys.stdin or not sys.stdin.isatty():
        print(
            "Nobody was asked: that takes a yes at a terminal, and there is none.", file=sys.stderr
        )
        return False
    try:
        answer = input(f"Ask for {count} small pictures now? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        print("Nobody was asked.")
        return False
    return True


def _write_down(readmes: Path, attempt: Attempt, day: str) -> None:
    for name in READMES:
        try:
            write_down(readmes / name, attempt, day)
        except OSError as error:
            print(f"  {name} stays as it is: {error.strerror or error}")


def _print_anything() -> None:
    """Vendors have words that not every terminal can show."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
