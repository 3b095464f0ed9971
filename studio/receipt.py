"""The receipt: who was asked, what came of it and what it cost. The same in every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from studio.words import Said

if TYPE_CHECKING:
    from studio.offer import Planned


@dataclass(frozen=True)
class Attempt:
    """One offer that was tried or left out. `outcome` is succeeded, skipped or an error's.

    `billed` is no, yes or maybe. `said` is the reason as a code where the studio gave it, and
    `fault` what the router must know besides: unreachable, gone, or ours where nobody is to blame;
    `again`: nothing was accepted, and the same may work in a moment.
    """

    provider: str
    model: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0
    cost_usd: Decimal | None = None
    billed: str = "no"
    retry_at: datetime | None = None
    said: Said | None = None
    fault: str = ""
    again: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "model": self.model,
            "outcome": self.outcome,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "cost_usd": usd_number(self.cost_usd),
            "billed": self.billed,
            "retry_at": iso(self.retry_at),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Attempt:
        when = raw["retry_at"] and datetime.fromisoformat(raw["retry_at"])
        return cls(**{**raw, "cost_usd": _decimal(raw["cost_usd"]), "retry_at": when})


@dataclass(frozen=True)
class Receipt:
    """What was made, by whom, for how much, and every attempt on the way."""

    request_id: str
    provider: str
    model: str
    seed: int | None
    width: int
    height: int
    media_type: str
    sha256: str
    seconds: float
    cost_usd: Decimal | None
    paid_by: str
    sample: bool
    notes: tuple[str, ...]
    attempts: tuple[Attempt, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "provider": self.provider,
            "model": self.model,
            "seed": self.seed,
            "width": self.width,
            "height": self.height,
            "media_type": self.media_type,
            "sha256": self.sha256,
            "seconds": round(self.seconds, 3),
            "cost_usd": usd_number(self.cost_usd),
            "paid_by": self.paid_by,
            "sample": self.sample,
            "notes": list(self.notes),
            "attempts": [attempt.as_dict() for attempt in self.attempts],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Receipt:
        attempts = tuple(map(Attempt.from_dict, raw["attempts"]))
        usd, notes = _decimal(raw["cost_usd"]), tuple(raw["notes"])
        return cls(**{**raw, "cost_usd": usd, "notes": notes, "attempts": attempts})


def skipped(row: Planned, said: Said) -> Attempt:
    """An offer that was left out, with the reason."""
    return Attempt(row.entry.name, row.model.id, "skipped", str(said), retry_at=said.at, said=said)


class NobodyCould(Exception):
    """No offer gave the picture. `str()` names each with its reason; `attempts` are the trail."""

    def __init__(self, request_id: str, attempts: tuple[Attempt, ...]) -> None:
        self.request_id = request_id
        self.attempts = attempts
        tried = "; ".join(map(_clause, attempts))
        super().__init__(f"No provider could make the picture: {tried or 'none is set up'}.")


_IN_A_WORD = {
    "unavailable": "unreachable",
    "rate_limited": "resting after too many requests",
    "quota_exhausted": "out of credit",
    "not_configured": "no good key or setup",
    "unsupported": "cannot do this request",
    "refused": "refused",
    "outcome_unknown": "unreachable after it had begun",
    "defect": "a fault in Freebrush",
}


def _clause(attempt: Attempt) -> str:
    word = _IN_A_WORD.get(attempt.outcome)
    said = f"{word} ({attempt.reason})" if word else attempt.reason
    return f"{attempt.provider}: {said}"


def usd_number(usd: Decimal | None) -> int | float | None:
    """Dollars as JSON has them: 0 for nothing, None for unknown."""
    return None if usd is None else int(usd) if usd == 0 else float(usd)


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def iso(instant: datetime | None) -> str | None:
    return instant.astimezone(timezone.utc).isoformat() if instant else None
