"""Leases, one meter for budgets and allowances, rests, quotas, roll-ups and the gallery's files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LONG_AGO = "1970-01-01 00:00:00.000000"  # to the letter as SQLite has it, which compares texts


def upgrade() -> None:
    with op.batch_alter_table("requests") as requests:
        requests.add_column(sa.Column("process", sa.String(64), nullable=False, server_default=""))
        requests.add_column(
            sa.Column("lease_until", sa.DateTime, nullable=False, server_default=_LONG_AGO)
        )
        requests.add_column(sa.Column("ended_at", sa.DateTime))
        requests.add_column(sa.Column("trail", sa.Text))
        requests.add_column(sa.Column("idempotency_key", sa.String(200)))
        requests.add_column(
            sa.Column("fingerprint", sa.String(64), nullable=False, server_default="")
        )
    op.execute("UPDATE requests SET ended_at = asked_at")
    op.create_index("requests_by_key", "requests", ["visitor", "idempotency_key"], unique=True)
    op.create_index("requests_under_way", "requests", ["ended_at", "lease_until"])
    with op.batch_alter_table("attempts") as attempts:
        attempts.add_column(sa.Column("process", sa.String(64), nullable=False, server_default=""))
        attempts.add_column(sa.Column("lease_until", sa.DateTime))
        attempts.add_column(sa.Column("holds", sa.Text, nullable=False, server_default="[]"))
        attempts.add_column(sa.Column("fault", sa.String(12), nullable=False, server_default=""))
    # Nobody renews a lease of what ran under the first shape: the sweeper may settle it at once.
    op.execute(f"UPDATE attempts SET lease_until = '{_LONG_AGO}' WHERE outcome = 'started'")  # noqa: S608
    op.create_index("attempts_by_outcome", "attempts", ["provider", "model", "outcome", "id"])
    op.create_index("attempts_under_way", "attempts", ["outcome", "lease_until"])
    op.create_table(
        "meters",
        sa.Column("scope", sa.String(160), primary_key=True),
        sa.Column("period", sa.String(16), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO meters SELECT scope, day, usd FROM spending")
    op.drop_table("spending")
    op.create_table(
        "rests",
        sa.Column("provider", sa.String(80), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("streak", sa.Integer, nullable=False),
    )
    op.create_table(
        "quotas",
        sa.Column("provider", sa.String(80), primary_key=True),
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("left", sa.BigInteger, nullable=False),
        sa.Column("limit", sa.BigInteger),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("resets_at", sa.DateTime),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("metered", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rollups",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("provider", sa.String(80), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("outcome", sa.String(20), primary_key=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("usd", sa.BigInteger, nullable=False),
        sa.Column("unknown", sa.BigInteger, nullable=False),
    )
    for day in ("substr(cast(started_at AS varchar(30)), 1, 10)", "''"):
        op.execute(
            f"INSERT INTO rollups SELECT {day}, provider, model, outcome, count(*),"  # noqa: S608
            " coalesce(sum(cost_usd), 0),"
            " sum(CASE WHEN cost_usd IS NULL AND billed <> 'no' THEN 1 ELSE 0 END)"
            " FROM attempts WHERE outcome <> 'started' GROUP BY 1, 2, 3, 4"
        )
    op.create_table(
        "pictures",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("starred", sa.Boolean, nullable=False),
        sa.Column("going", sa.Boolean, nullable=False),
    )
    op.create_index("pictures_by_age", "pictures", ["going", "starred", "made_at"])
    # How long those files are was not kept; as nothing, they go by their age alone.
    op.execute(
        "INSERT INTO pictures SELECT sha256, min(CASE"
        " WHEN receipt LIKE '%\"image/jpeg\"%' THEN 'image/jpeg'"
        " WHEN receipt LIKE '%\"image/webp\"%' THEN 'image/webp'"
        " WHEN receipt LIKE '%\"image/gif\"%' THEN 'image/gif' ELSE 'image/png' END),"
        " 0, min(asked_at), false, false FROM requests WHERE sha256 IS NOT NULL GROUP BY sha256"
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger of this shape cannot go back without losing what it knows")
