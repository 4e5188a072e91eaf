from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loader.load import load
from loader.source import Context
from loader.summary import LoadSummary
from tests.loader.upstream import Upstream, serving
from warehouse.catalog import Catalog, load_catalog
from warehouse.connection import connect
from warehouse.settings import ROOT, Settings

SEEDS = ROOT / "dbt_project" / "seeds"
NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(SEEDS)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(NOW) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, upstream: Upstream) -> Settings:
    return make_settings(tmp_path, sample_url=upstream.url)


@pytest.fixture
def context(catalog: Catalog, tmp_path: Path) -> Context:
    return Context(make_settings(tmp_path), catalog, NOW, say=lambda line: None)


def make_settings(tmp_path: Path, **fields: Any) -> Settings:
    """Ten days of history, no waits between tries, nothing from this machine's environment."""
    defaults: dict[str, Any] = {"data_dir": tmp_path / "data", "history_days": 10, "retry_wait_scale": 0.0}
    return Settings(_env_file=None, **(defaults | {"http_attempts": 2} | fields))


@pytest.fixture
def run(settings: Settings) -> Callable[..., LoadSummary]:
    """One load; the run_id counts up."""
    n = 0

    def once(now: datetime = NOW, **how: Any) -> LoadSummary:
        nonlocal n
        n += 1
        own = how.pop("settings", settings)
        return load(own, now=now, run_id=f"run-{n}", progress=how.pop("progress", lambda line: None), **how)

    return once


@pytest.fixture
def query(settings: Settings) -> Callable[[str], list[tuple[Any, ...]]]:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        with connect(settings) as con:
            return con.execute(sql).fetchall()

    return ask


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the seeds to change."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """A body of the shared recordings, which are not part of this repository."""
    folder = ROOT.parent / "shared" / "recordings"

    def read(path: str) -> bytes:
        if not (folder / path).is_file():
            pytest.skip("the shared recordings are not beside this repository")
        content = (folder / path).read_bytes()
        return gzip.decompress(content) if path.endswith(".gz") else content

    return read
