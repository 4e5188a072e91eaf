"""What a published copy depends on, as one hash: the same hash again means there is nothing to do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from flows.clock import origin_of
from warehouse.catalog import load_catalog
from warehouse.privacy import pseudonyms
from warehouse.runs import watermark
from warehouse.settings import ROOT, Settings

_CODE = (
    "dbt_project/**/*.sql",
    "dbt_project/**/*.yml",
    "ml/**/*.py",
    "loader/**/*.py",
    "warehouse/*.py",
    "params.yaml",
)
_LEFT_OUT = {"target", "logs", "dbt_packages"}


def fingerprint(settings: Settings, now: datetime) -> str:
    """Code, parameters, seeds, pseudonyms, the origin, what was received and what people and trainings decided."""
    digest = hashlib.sha256()
    for path in _files(settings.seeds_dir):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    payloads, decisions = watermark(settings)
    digest.update(str(pseudonyms(settings, load_catalog(settings.seeds_dir))).encode())
    digest.update(f"{settings.upstream} {origin_of(now)} {payloads} {decisions}".encode())
    return digest.hexdigest()


def _files(seeds_dir: Path) -> Iterator[Path]:
    for pattern in _CODE:
        found = (path for path in ROOT.glob(pattern) if not _LEFT_OUT & set(path.relative_to(ROOT).parts))
        yield from sorted(found)
    yield from sorted(seeds_dir.glob("*.csv"))
