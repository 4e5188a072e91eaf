"""Who decides, when and why: what every decision of a person is recorded with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Decider:
    """`run_id` names the occasion."""

    actor: str
    reason: str
    now: datetime
    run_id: str
