"""Are the bytes that DVC keeps still those that were written? Every file is hashed again.

DVC takes a write-protected file of its cache for sound without looking: a flipped bit would be checked out, and pushed,
as it is. An object of the cache and of a store bears its md5 as its name, so a damaged one names itself.
"""

from __future__ import annotations

import configparser
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flows.dvc import Project
from ml.params import read_yaml
from warehouse.errors import ArtefactRefused

Where = Literal["cache", "store", "workspace"]
OBJECTS = Path("files") / "md5"
CHUNK = 2**20


@dataclass(frozen=True)
class Damage:
    """A file whose bytes are not those that were kept. `out`: what it belongs to, as dvc.lock names it."""

    where: Where
    file: Path
    out: str
    expected: str
    found: str | None  # None: it is missing

    def __str__(self) -> str:
        seen = f"its md5 is {self.found}, not {self.expected}" if self.found else "it is missing"
        return f"{self.out}: damaged in the {self.where}, {self.file}: {seen}"


def in_cache(project: Project, dataset: str | None = None) -> list[Damage]:
    """Damaged objects of the cache: all of them, or those that dvc.lock names for one dataset."""
    return _objects(project, cache_of(project), "cache", dataset)


def in_store(project: Project) -> list[Damage]:
    """Damaged objects of a default store that is a folder; another kind of store verifies what it hands out."""
    store = store_of(project)
    return _objects(project, store, "store", None) if store else []


def in_workspace(project: Project, dataset: str | None = None) -> list[Damage]:
    """Outputs that lie in the workspace with other bytes than dvc.lock says, or lie there in part."""
    found = []
    for out in _outs(project, dataset):
        for path, expected in _files(project, out):
            here = project.folder / path
            if (project.folder / str(out["path"])).exists() and (actual := _md5(here)) != expected:
                found.append(Damage("workspace", here, path, expected, actual))
    return found


def require_sound(project: Project, dataset: str) -> None:
    """Raises ArtefactRefused unless every output of the dataset is, byte for byte, what dvc.lock says."""
    missing = [str(out["path"]) for out in _outs(project, dataset) if not (project.folder / str(out["path"])).exists()]
    damaged = in_workspace(project, dataset)
    if missing or damaged or not list(_outs(project, dataset)):
        what = str(damaged[0]) if damaged else f"{(missing or ['dvc.lock'])[0]} is not there"
        raise ArtefactRefused(f"{what}; `skyduck artefacts pull` fetches it, `skyduck train` makes it anew")


def set_aside(damages: list[Damage]) -> None:
    """Removes damaged objects, so that DVC fetches or makes them again instead of trusting them."""
    for damage in damages:
        if damage.where != "workspace":
            damage.file.unlink(missing_ok=True)


def cache_of(project: Project) -> Path:
    named = _setting(project, "cache", "dir")
    return (project.folder / ".dvc" / named).resolve() if named else project.folder / ".dvc" / "cache"


def store_of(project: Project) -> Path | None:
    """The default store where it is a folder of this machine."""
    name = _setting(project, "core", "remote")
    url = _setting(project, f"'remote \"{name}\"'", "url") if name else None
    return None if not url or "://" in url else (project.folder / ".dvc" / url).resolve()


def _setting(project: Project, section: str, key: str) -> str | None:
    config = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error):  # dvc itself will say what is wrong with it
        config.read([project.folder / ".dvc" / name for name in ("config", "config.local")], encoding="utf-8")
    return config.get(section, key, fallback=None)


def _objects(project: Project, root: Path, where: Where, dataset: str | None) -> list[Damage]:
    names = _names(project, dataset)
    found = []
    for path in sorted((root / OBJECTS).glob("??/*")):
        name = path.parent.name + path.name
        if path.is_file() and (dataset is None or name in names):
            expected = name.removesuffix(".dir")
            if (actual := _md5(path)) != expected:
                found.append(Damage(where, path, names.get(name, "an earlier version"), expected, actual))
    return found


def _names(project: Project, dataset: str | None) -> dict[str, str]:
    """Name of an object -> the file it is in the workspace."""
    found = {}
    for out in _outs(project, dataset):
        found[str(out["md5"])] = str(out["path"])
        found |= {md5: path for path, md5 in _files(project, out)}
    return found


def _outs(project: Project, dataset: str | None) -> Iterator[dict[str, Any]]:
    path = project.folder / "dvc.lock"
    if not path.exists():
        return
    stages = read_yaml(path).get("stages") or {}
    for name, stage in stages.items():
        if dataset is None or name.endswith(f"@{dataset}"):
            yield from (out for out in stage.get("outs", []) if out.get("md5"))


def _files(project: Project, out: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, md5) of every file of an output; of a folder as its list in the cache or in the store says."""
    md5, path = str(out["md5"]), str(out["path"])
    if not md5.endswith(".dir"):
        yield path, md5
        return
    for root in (cache_of(project), store_of(project)):
        if root is None:
            continue
        listed = root / OBJECTS / md5[:2] / md5[2:]
        if listed.is_file() and _md5(listed) == md5.removesuffix(".dir"):
            yield from ((f"{path}/{item['relpath']}", item["md5"]) for item in json.loads(listed.read_bytes()))
            return


def _md5(path: Path) -> str | None:
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
