"""The files of a model version: text and JSON only, written whole, read only if every byte is as trained."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from ml.forecaster import Files
from warehouse.errors import ArtefactRefused
from warehouse.settings import Settings

VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,190}")
FILE_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?\.(txt|json)")
MANIFEST = "manifest.json"
CARD = "bundle.json"
MOST_FILES = 64
MOST_BYTES = {MANIFEST: 64 * 2**10, CARD: 4 * 2**20}  # a larger one is not read at all
MOST_BYTES_ELSE = 256 * 2**20


def folder_of(settings: Settings, model_version: str) -> Path:
    """Where a version's files lie. Raises ArtefactRefused for a name that could leave the folder of models."""
    if not VERSION_NAME.fullmatch(model_version):
        raise ArtefactRefused(f"'{model_version[:80]}' is no name of a model version")
    return settings.models_path / model_version


def manifest_of(files: Files) -> bytes:
    """Names and sha256 of the files: its own sha256 is the artefact's."""
    return json.dumps({name: sha256_of(files[name]) for name in sorted(files)}, indent=1).encode()


def save(settings: Settings, model_version: str, files: Files) -> str:
    """Writes the folder in one step (a reader sees all of it or nothing) and returns the artefact's sha256.

    What is there already, whole and the same, stays; anything else of that name is moved aside first.
    """
    folder = folder_of(settings, model_version)
    for name in files:
        if not FILE_NAME.fullmatch(name) or name == MANIFEST:
            raise ArtefactRefused(f"'{name}' is not saved: models are .txt and .json files")
    manifest = manifest_of(files)
    sha256 = sha256_of(manifest)
    with suppress(ArtefactRefused):  # absent or damaged: written below
        read_files(settings, model_version, sha256)
        return sha256
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{model_version}.{os.getpid()}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name, content in {**files, MANIFEST: manifest}.items():
        with (draft / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    aside = draft.with_suffix(".aside")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
    draft.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    return sha256


def read_files(settings: Settings, model_version: str, sha256: str | None) -> dict[str, bytes]:
    """The files of a version, every byte as trained. Raises ArtefactRefused before any of them is parsed."""
    folder = folder_of(settings, model_version)
    if folder.is_symlink():
        raise ArtefactRefused(f"{model_version}: its folder is a link; train again")
    manifest = _bytes(folder / MANIFEST, model_version)
    if sha256_of(manifest) != sha256:
        raise ArtefactRefused(f"{model_version}: the manifest has another sha256 than the registry's; train again")
    listed = _listed(manifest, model_version)
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    if present - set(listed):
        unknown = sorted(present - set(listed))[0]
        raise ArtefactRefused(f"{model_version}: unknown file {unknown!r}; nothing but the trained files is loaded")
    found = {}
    for name, expected in listed.items():
        found[name] = _bytes(folder / name, model_version)
        if sha256_of(found[name]) != expected:
            raise ArtefactRefused(f"{model_version}: {name} is not what was trained (sha256 differs); train again")
    return found


def _listed(manifest: bytes, model_version: str) -> dict[str, str]:
    """File name -> sha256, every name one that may be read."""
    try:
        listed = json.loads(manifest)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, dict) or len(listed) > MOST_FILES or not all(isinstance(v, str) for v in listed.values()):
        raise ArtefactRefused(f"{model_version}: the manifest is no list of at most {MOST_FILES} files; train again")
    for name in listed:
        if not FILE_NAME.fullmatch(name) or name == MANIFEST:
            raise ArtefactRefused(f"{model_version}: a file named {name[:80]!r} is never loaded")
    return listed


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _bytes(path: Path, model_version: str) -> bytes:
    """Raises ArtefactRefused for a link, for anything but a regular file, and for more bytes than such a file has."""
    most = MOST_BYTES.get(path.name, MOST_BYTES_ELSE)
    if path.is_symlink():
        raise ArtefactRefused(f"{model_version}: {path.name} is a link, not a file; train again")
    try:
        if not path.is_file():
            raise OSError
        if path.stat().st_size > most:
            raise ArtefactRefused(f"{model_version}: {path.name} is larger than {most:,} bytes; train again")
        return path.read_bytes()
    except OSError:
        raise ArtefactRefused(f"{model_version}: {path.name} is missing or cannot be read; train again") from None
