"""One writer at a time: a file lock that names its holder.

The operating system frees the lock when its holder ends, by whatever death, so the text beside it is never
trusted to decide anything: it only tells a person whom to wait for. The lock guards one data directory on one
machine. On MotherDuck two machines could still write at once: there the scheduler's own limit keeps them apart
(`concurrency` in .github/workflows/daily.yml and train.yml, the queue `warehouse` of prefect.yaml).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.connection import connect
from warehouse.errors import BadInput, LockHeld
from warehouse.settings import Settings

CHILD_SECONDS = 15.0


@dataclass(frozen=True)
class Holder:
    """Who writes the warehouse. `since` is UTC."""

    pid: int
    host: str
    command: str
    run_id: str
    since: str

    def __str__(self) -> str:
        return f"`{self.command}` (pid {self.pid} on {self.host}, run {self.run_id}, since {self.since} UTC)"


_held: dict[Path, int] = {}


def lock_path(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "writer.lock"


def _text_path(settings: Settings) -> Path:
    return lock_path(settings).with_suffix(".json")


def holder(settings: Settings) -> Holder | None:
    """The process that holds the lock now, or None where it is free (whatever an old text says)."""
    path = lock_path(settings)
    if not path.exists():
        return None
    if path not in _held:
        probe = FileLock(path, thread_local=False)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return _read(settings)
        else:
            probe.release()
            return None
    return _read(settings)


def _read(settings: Settings) -> Holder:
    try:
        return Holder(**json.loads(_text_path(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        # The holder is there, its text is not: it takes the lock first and writes its name a moment later.
        return Holder(pid=0, host="unknown", command="unknown", run_id="unknown", since="unknown")


def _write(settings: Settings, me: Holder) -> None:
    path = _text_path(settings)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(me)), encoding="utf-8")
    os.replace(temporary, path)


@contextmanager
def hold(
    settings: Settings,
    *,
    run_id: str,
    now: datetime,
    wait: bool = False,
    command: str | None = None,
    notice: Callable[[str], None] = lambda line: None,
) -> Iterator[None]:
    """The writer's lock for the length of the block. Re-entrant inside one process.

    Raises LockHeld naming the holder, unless `wait`: then `notice` is told once whom it waits for.
    """
    path = lock_path(settings)
    if _held.get(path, 0):
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    lock = _acquire(settings, path, wait=wait, notice=notice)
    _held[path] = 1
    if _text_path(settings).exists():  # whoever held it was killed, and a child of its may be a moment behind
        _outlive(settings)
    name = command or " ".join(["skyduck", *sys.argv[1:]])
    _write(settings, Holder(os.getpid(), socket.gethostname(), name, run_id, f"{now:%Y-%m-%d %H:%M:%S}"))
    try:
        yield
    finally:
        del _held[path]
        _text_path(settings).unlink(missing_ok=True)
        lock.release()


def _outlive(settings: Settings) -> None:
    """Waits until no dying child of a killed run has the warehouse file open any more."""
    end = time.monotonic() + CHILD_SECONDS
    while not settings.is_motherduck and settings.warehouse_path.exists() and time.monotonic() < end:
        try:
            with connect(settings):
                return
        except LockHeld:
            time.sleep(0.1)
        except BadInput:
            return  # a damaged file is for the run itself to report


def _acquire(settings: Settings, path: Path, *, wait: bool, notice: Callable[[str], None]) -> FileLock:
    # thread_local=False: a flow may take the lock in one thread and give it back in another
    lock = FileLock(path, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        other = _read(settings)
        if not wait:
            raise LockHeld(
                f"the warehouse in {path.parent.name}/ is being written by {other}. Run again when it has ended, "
                "or with --wait to wait for it"
            ) from None
        notice(f"waiting for {other}")
        lock.acquire()
    except OSError as error:
        raise BadInput(
            f"{path.parent} cannot be written ({error.strerror}): a run needs it for the warehouse, models and the "
            "published copy. Mend its permissions, or point SKYDUCK_DATA_DIR elsewhere"
        ) from None
    return lock
