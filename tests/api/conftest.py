from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from bench import publication
from tests.api.serving import served, settings_of


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Six series of two datasets, two vintages."""
    folder = tmp_path_factory.mktemp("api")
    publication.publish(folder)
    with served(settings_of(folder)) as client:
        yield client
