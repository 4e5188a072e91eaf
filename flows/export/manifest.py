"""`manifest.json`: which files are the export, of which publication. Who follows it reads one publication, whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

from flows.export.files import FORMATS, Format
from flows.export.place import Place
from warehouse.errors import BadInput
from warehouse.reads.exported import Partition

PATH = "manifest.json"
VERSION = 1  # of files and columns: a new column leaves it, whatever else changes raises it
# files that an export may remove: partitions, and what a killed one left half written
OURS = re.compile(r"[a-z_]+/dataset=[^/]+/date=\d{4}-\d\d-\d\d/part-[0-9a-f]{32}\.(parquet|csv\.gz)(\.tmp)?")


@dataclass(frozen=True)
class Scope:
    """What a place was asked to hold; an export with another scope would take files away that others read."""

    format: Format = "parquet"
    datasets: tuple[str, ...] | None = None
    since: date | None = None

    def __str__(self) -> str:
        flags = [f"--format {self.format}", *(f"--dataset {name}" for name in self.datasets or ())]
        return " ".join([*flags, *([f"--since {self.since}"] if self.since else [])])

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "datasets": None if self.datasets is None else list(self.datasets),
            "since": None if self.since is None else str(self.since),
        }


@dataclass(frozen=True)
class File:
    """One partition as it was written."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`columns`: name -> type in Arrow's words, of each table, as its files have them."""

    run_id: str
    published_at: str
    scope: dict[str, Any]
    columns: dict[str, dict[str, str]]
    files: tuple[File, ...]
    version: int = field(default=VERSION)

    def to_bytes(self) -> bytes:
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


def path_of(partition: Partition, kind: Format) -> str:
    """The name says what is in it: other rows lie in another file."""
    folder = f"{partition.table.name}/dataset={quote(partition.dataset, safe='')}/date={partition.date}"
    return f"{folder}/part-{partition.content}.{FORMATS[kind][0]}"


def read(place: Place, scope: Scope) -> Manifest | None:
    """None where nothing was exported yet.

    Raises BadInput for a manifest that is damaged, newer than this version, or of another scope.
    """
    text = place.read(PATH)
    if text is None:
        return None
    try:
        found = json.loads(text)
        files = tuple(File(**each) for each in found.pop("files"))
        manifest = Manifest(**found, files=files)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput(
            f"{PATH} in {place.name} is none of ours, or damaged: export elsewhere, or remove it to begin anew"
        ) from None
    if manifest.version > VERSION:
        raise BadInput(f"{place.name} was written by a newer version ({manifest.version}, here {VERSION}): update")
    if manifest.scope != scope.as_json():
        raise BadInput(
            f"{place.name} holds an export made with {_told(manifest.scope)}, now asked with {scope}: "
            "ask with the same flags, or name another place"
        )
    return manifest


def of_this_version(manifest: Manifest | None) -> Mapping[str, File]:
    """Files that need not be written again, by path."""
    if manifest is None or manifest.version != VERSION:
        return {}
    return {file.path: file for file in manifest.files}


def _told(scope: dict[str, Any]) -> str:
    since, datasets = scope.get("since"), scope.get("datasets")
    day = date.fromisoformat(since) if since else None
    return str(Scope(scope.get("format", "parquet"), tuple(datasets) if datasets else None, day))
