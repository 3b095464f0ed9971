"""Deletes pictures that are older, or more, than the config keeps. What is starred stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from studio.config import Keep
from studio.database import reading
from studio.gallery import Gallery
from studio.ledger import Ledger
from studio.tables import pictures

AT_A_TIME = 100
"""Whoever clears also renews the leases, and must be back in time for that."""

_MAY_GO = pictures.c.starred.is_(False)


def clear(ledger: Ledger, gallery: Gallery, keep: Keep) -> None:
    """Delete what is too old, and the oldest of what is too much. Blocking. Raises OSError where a
    file cannot be deleted; the others are.

    A picture is marked, and then its file and its row deleted: broken off anywhere, it is done
    again, whatever is kept by then.
    """
    with reading(ledger.engine) as connection:
        names = _due(connection, keep, ledger.clock())
    if names:
        these = pictures.c.sha256.in_(names) & _MAY_GO
        with ledger.engine.begin() as connection:
            connection.execute(update(pictures).where(these).values(going=True))
    going = select(pictures).where(pictures.c.going.is_(True), _MAY_GO).limit(AT_A_TIME)
    with reading(ledger.engine) as connection:
        rows = list(connection.execute(going))
    failures = []
    for row in rows:
        try:
            _delete(ledger, gallery, row)
        except OSError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _due(connection: Connection, keep: Keep, now: datetime) -> list[str]:
    """The pictures to be marked, the oldest first, and of those no more than go at a time."""
    staying = pictures.c.going.is_(False)
    oldest = (
        select(pictures.c.sha256, pictures.c.bytes)
        .where(staying, _MAY_GO)
        .order_by(pictures.c.made_at, pictures.c.sha256)
        .limit(AT_A_TIME)
    )
    names: list[str] = []
    if keep.days:
        too_old = pictures.c.made_at < now - timedelta(days=keep.days)
        names += connection.scalars(oldest.where(too_old)).all()
    if keep.bytes:
        total = select(func.sum(pictures.c.bytes)).where(staying, pictures.c.sha256.not_in(names))
        over = (connection.scalar(total) or 0) - keep.bytes
        # Nothing is gained by deleting a file of which nobody noted how long it is.
        counted = pictures.c.sha256.not_in(names) & (pictures.c.bytes > 0)
        for sha256, size in connection.execute(oldest.where(counted)) if over > 0 else ():
            if over > 0:
                names.append(sha256)
                over -= size
    return names


def _delete(ledger: Ledger, gallery: Gallery, row: Any) -> None:
    """The row goes with the file: unless that was starred, or made once more, in the meantime."""
    this = (pictures.c.sha256 == row.sha256) & pictures.c.going.is_(True) & _MAY_GO
    with ledger.engine.begin() as connection:
        if connection.execute(delete(pictures).where(this)).rowcount:
            gallery.remove(row.sha256, row.media_type)
