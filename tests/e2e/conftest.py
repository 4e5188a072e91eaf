from __future__ import annotations

from tests.e2e.fixtures import day_1, day_2, eve, evening, shared_root

__all__ = ["day_1", "day_2", "eve", "evening", "shared_root"]
