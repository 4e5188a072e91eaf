"""The files of published copies: synced, swapped in at once, and tidied: the last three stay."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from warehouse.published import POINTER
from warehouse.retention import PUBLICATIONS

LEFT_SECONDS = 3600.0  # whoever wrote a temporary file that is older is dead


def point(folder: Path, name: str) -> None:
    """From now on readers open the copy of that name."""
    temporary = folder / f"{POINTER}.{secrets.token_hex(8)}.tmp"  # of this swap alone
    temporary.write_text(name + "\n", encoding="utf-8")
    sync(temporary)
    os.replace(temporary, folder / POINTER)
    sync(folder)
    remove_left(folder, f"{POINTER}.*tmp", older_than=LEFT_SECONDS)


def tidy(folder: Path, *, current: str, stays: Callable[[Path], bool] = lambda copy: True) -> None:
    """The newest three stay, of the older two those that may."""
    copies = sorted((p for p in folder.glob("gen-*.duckdb") if p.name != current), key=lambda p: p.stat().st_mtime)
    first = max(0, len(copies) - (PUBLICATIONS - 1))
    for old in [*copies[:first], *(copy for copy in copies[first:] if not stays(copy))]:
        remove(old)


def remove_left(folder: Path, pattern: str, *, older_than: float = 0.0) -> None:
    """What killed processes left half written: files of that name, untouched for so many seconds."""
    for path in [*folder.glob(pattern), *folder.glob(f"{pattern}.wal")]:
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime >= older_than:
                path.unlink()


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
