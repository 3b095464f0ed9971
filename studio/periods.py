"""When an allowance began to count and when it comes back: by whole minutes to months, UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


def period_of(per: str, now: datetime) -> tuple[datetime, datetime | None]:
    """The start of the running period and the start of the next; None: it never comes back."""
    minute = now.astimezone(timezone.utc).replace(second=0, microsecond=0)
    if per == "minute":
        return minute, minute + timedelta(minutes=1)
    hour = minute.replace(minute=0)
    if per == "hour":
        return hour, hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if per == "day":
        return day, day + timedelta(days=1)
    if per == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    return _EVER, None
