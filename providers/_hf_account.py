"""What Hugging Face knows of the owner of a key: the name, and what is used of the month's credit.

All of it blocks, so call it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from providers._answer import words
from providers.base import Quota

NANO = Decimal(10) ** -9


def owner_of(key: str) -> str:
    from huggingface_hub import HfApi

    return words(str(HfApi(token=key).whoami().get("name") or "somebody"), key)


def credit_of(key: str) -> Quota | None:
    """What is left of this month's included credit, in US dollars, or None where the key may not
    ask (it needs “Billing > Read”) or the answer is not understood.

    The path is in the service's OpenAPI; the shape of the answer is not, and is taken from public
    code that reads it (2026-06). So whatever is odd here is no reason for a check to fail.
    """
    import httpx2
    from huggingface_hub import constants, get_session

    now = datetime.now(timezone.utc)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    dates = {"startDate": int(month.timestamp()), "endDate": int(now.timestamp())}
    odd = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
    with suppress(httpx2.HTTPError, *odd):
        answer = get_session().get(
            f"{constants.ENDPOINT}/api/settings/billing/usage-v2",
            params=dates,
            headers={"authorization": f"Bearer {key}"},
            follow_redirects=False,
        )
        if answer.status_code == 200:
            return _quota(answer.json()["usage"]["inferenceProviders"], now)
    return None


def _quota(usage: Mapping[str, Any], now: datetime) -> Quota:
    limit, used = Decimal(usage["includedNanoUsd"]) * NANO, Decimal(usage["usedNanoUsd"]) * NANO
    ends = usage.get("periodEnd")
    resets_at = datetime.fromisoformat(ends.replace("Z", "+00:00")) if ends else None
    if not (limit.is_finite() and used.is_finite()):
        raise ValueError("these are no amounts")
    return Quota(max(Decimal(0), limit - used), limit, "usd", resets_at, now)
