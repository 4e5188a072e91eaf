"""The machine's clock: what is served tells its age by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def machine_now() -> datetime:
    """UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)
