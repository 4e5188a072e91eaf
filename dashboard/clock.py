"""The machine's clock, for ages and for the end of a sign-in; no forecast depends on it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)
