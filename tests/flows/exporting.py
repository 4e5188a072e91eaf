"""Publications to export, and an export as those see it who read its files."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import duckdb

from bench import publication
from bench.publication import ORIGIN
from flows.export.deliver import Delivery, deliver
from flows.export.manifest import Scope
from flows.export.place import open_place
from warehouse.reads.exported import TABLES
from warehouse.settings import Settings

SGPM = "dataset=sgpm/date=2026-11-10"


def publish(settings: Settings, number: int, *changes: str, days: int = 0) -> None:
    """Three places of two datasets; `changes`: SQL on the copy before anyone reads it."""
    made = publication.publish(settings.data_dir, run_id=f"run-{number}", origin=ORIGIN + timedelta(days=days))
    with duckdb.connect(str(made)) as con:
        for change in changes:
            con.execute(change)


def export(settings: Settings, to: object, scope: Scope | None = None) -> Delivery:
    return deliver(settings, str(to), scope or Scope(), progress=lambda line: None)


def manifest(to: object) -> dict[str, Any]:
    """As any program reads it: every file that it names is there, with the bytes that it names."""
    place = open_place(str(to))
    text = place.read("manifest.json")
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    for file in found["files"]:
        data = place.read(file["path"])
        assert data is not None, file["path"]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    return found


def paths(to: object) -> set[str]:
    return {file["path"] for file in manifest(to)["files"]}


def data_files(to: object) -> set[str]:
    """Whatever lies where tables lie, named by the manifest or not."""
    place = open_place(str(to))
    return {path for table in TABLES for path in place.sizes(table.name)}


def revised(of: str = "2026-11-10 05:00") -> str:
    """One reading of one day, otherwise than it was."""
    one = f"series_id like 'sgpm.region-1%' and observed_at = '{of}'"
    return f"update marts.fct_observations set value = 99 where {one}"
