"""The first tables: what was asked, who was tried, and what was spent on which day."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("negative_prompt", sa.Text, nullable=False),
        sa.Column("provider", sa.String(80), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("steps", sa.Integer),
        sa.Column("guidance", sa.Float),
        sa.Column("sha256", sa.String(64)),
        sa.Column("receipt", sa.Text),
    )
    op.create_index("requests_by_visitor", "requests", ["visitor", "asked_at"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(80), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("cost_usd", sa.BigInteger),
        sa.Column("billed", sa.String(5), nullable=False),
        sa.Column("paid_by", sa.String(10), nullable=False),
        sa.Column("retry_at", sa.DateTime),
    )
    op.create_index("ix_attempts_request_id", "attempts", ["request_id"])
    op.create_index("attempts_by_provider", "attempts", ["provider", "account", "started_at"])
    op.create_table(
        "spending",
        sa.Column("scope", sa.String(80), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("usd", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("spending", "attempts", "requests"):
        op.drop_table(table)
