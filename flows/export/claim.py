"""`export.json`: who exports to a place right now, and how far. A second export ends; one that was killed is taken up.

An export writes it anew every few seconds. Who finds it reads in it that the other works, has ended, or is silent.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import psutil

from flows.clock import machine_now
from flows.export.manifest import VERSION, File
from flows.export.place import Place
from warehouse.errors import LockHeld

PATH = "export.json"
BEAT_SECONDS = 15.0
SILENT = timedelta(minutes=10)  # an export that has not said anything for so long is dead


class Claim:
    """`files`: what was written and no manifest names yet."""

    def __init__(self, place: Place, run_id: str, files: Mapping[str, File]) -> None:
        self._place, self._run_id, self._token = place, run_id, secrets.token_hex(8)
        self.files = dict(files)
        self._last = time.monotonic()

    def add(self, file: File) -> None:
        self.files[file.path] = file
        self.beat()

    def beat(self) -> None:
        """Tells others, every few seconds, that this export is alive. Raises LockHeld as `require`."""
        if time.monotonic() - self._last > BEAT_SECONDS:
            self.require()
            self._place.write(PATH, self.text(is_over=False))
            self._last = time.monotonic()

    def require(self) -> None:
        """Raises LockHeld where another has taken the place over meanwhile."""
        if _read(self._place).get("token") != self._token:
            raise LockHeld(f"another export has taken {self._place.name} over: this one ends and leaves it to that one")

    def text(self, *, is_over: bool) -> bytes:
        found = {
            "token": self._token,
            "run_id": self._run_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "beat_at": None if is_over else machine_now().isoformat(),
            "version": VERSION,
            "files": [asdict(file) for file in self.files.values()],
        }
        return json.dumps(found).encode()


@contextmanager
def claimed(place: Place, run_id: str) -> Iterator[Claim]:
    """The place for the length of the block. Raises LockHeld while another export works there."""
    claim = Claim(place, run_id, {})
    if not place.create(PATH, claim.text(is_over=False)):
        found = _read(place)
        _refuse_beside(place, found)
        claim = Claim(place, run_id, _files(found))
        place.write(PATH, claim.text(is_over=False))
    try:
        yield claim
    except LockHeld:
        raise
    except BaseException:
        with suppress(Exception):  # the block's own error is the one to report
            place.write(PATH, claim.text(is_over=True))
        raise
    place.remove([PATH])


def _read(place: Place) -> dict[str, Any]:
    """Empty where there is none, or one that was cut off in the writing."""
    try:
        found = json.loads(place.read(PATH) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_beside(place: Place, found: dict[str, Any]) -> None:
    beat, host, pid = found.get("beat_at"), found.get("host"), found.get("pid")
    if not beat or machine_now() - datetime.fromisoformat(beat) > SILENT:
        return
    if host == socket.gethostname() and not psutil.pid_exists(int(pid or 0)):
        return
    raise LockHeld(
        f"{place.name} is being exported to by process {pid} of {host}, last heard of at {beat} UTC. "
        f"Wait for it; one that is silent for {SILENT.seconds // 60} minutes is taken over"
    )


def _files(found: dict[str, Any]) -> dict[str, File]:
    try:
        files = [File(**each) for each in found["files"]] if found.get("version") == VERSION else []
    except (KeyError, TypeError):
        files = []
    return {file.path: file for file in files}
