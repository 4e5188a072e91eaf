from __future__ import annotations

import pytest

from tests.e2e.fixtures import day_1, day_2, eve, evening, shared_root

__all__ = ["day_1", "day_2", "eve", "evening", "shared_root"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The soak takes long: it runs only where it is asked for by its marker."""
    if "soak" in config.option.markexpr:
        return
    soak = [item for item in items if item.get_closest_marker("soak")]
    if soak:
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]
