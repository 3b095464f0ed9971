"""Decisions and records: what to ask whom, what it may cost, what came of it."""
