"""Keys of the API: who may read and who may decide. On disk is a hash; the secret is shown once.

    <data_dir>/api_keys.json    readable by its owner only, replaced whole

A secret holds 256 random bits, so that one round of SHA-256 is as good as a slow hash of a password.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock

from warehouse.errors import BadInput
from warehouse.settings import Settings

Scope = Literal["read", "operator"]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
_SECRET = re.compile(r"sky_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Key:
    """`operator` may do what `read` may, override and silence."""

    key_id: str
    name: str
    scope: Scope
    sha256: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def refusal(self, now: datetime) -> str | None:
        """Why it opens nothing at `now`, or None."""
        if self.revoked_at is not None:
            return f"was revoked at {self.revoked_at}"
        if self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now:
            return f"expired at {self.expires_at}"
        return None


def path_of(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "api_keys.json"


def read_keys(settings: Settings) -> list[Key]:
    """In the order of their making. Raises BadInput for a damaged file: an unreadable lock is no open door."""
    path = path_of(settings)
    try:
        return [Key(**each) for each in json.loads(path.read_text(encoding="utf-8"))["keys"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds no keys ({error}): mend it, or move it away and issue new ones") from None


def issue(settings: Settings, name: str, scope: Scope, now: datetime, expires_at: datetime | None = None) -> str:
    """The new key's secret, told this once. Raises BadInput for a name that is taken or unfit."""
    if not NAME.fullmatch(name):
        raise BadInput(f"the name is {name[:80]!r}; expected 1 to 64 letters, digits, spaces and . _ @ -")
    if expires_at is not None and expires_at <= now:
        raise BadInput(f"the key would have expired at {expires_at:%Y-%m-%d %H:%M}, before now ({now:%Y-%m-%d %H:%M})")
    with _writing(settings):
        keys = read_keys(settings)
        if any(key.name == name and key.revoked_at is None for key in keys):
            raise BadInput(f"a key named {name!r} is in use: revoke it, or choose another name")
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        text = f"sky_{key_id}_{secret}"
        expires = None if expires_at is None else expires_at.isoformat()
        _write(settings, [*keys, Key(key_id, name, scope, _hash(text), now.isoformat(), expires)])
    return text


def revoke(settings: Settings, name: str, now: datetime) -> Key:
    """By its name or id. A server that runs knows it with the next request. Raises BadInput."""
    with _writing(settings):
        keys = read_keys(settings)
        found = [key for key in keys if name in (key.name, key.key_id) and key.revoked_at is None]
        if not found:
            raise BadInput(f"no key in use is named {name[:80]!r}; `skyduck keys list` names them")
        gone = Key(**{**asdict(found[0]), "revoked_at": now.isoformat()})
        _write(settings, [gone if key == found[0] else key for key in keys])
    return gone


class KeyRing:
    """The keys as a server asks them: read again whenever the file has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._path = settings, path_of(settings)
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | Literal["never"] | None = "never"
        self._keys: dict[str, Key] = {}

    def is_empty(self) -> bool:
        """Whether no key was ever issued."""
        return not self._newest()

    def find(self, secret: str) -> Key | None:
        """The key of that secret, whatever its state; None where there is none."""
        shape = _SECRET.fullmatch(secret)
        key = self._newest().get(shape.group(1)) if shape else None
        return key if key is not None and hmac.compare_digest(key.sha256, _hash(secret)) else None

    def _newest(self) -> dict[str, Key]:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            seen = None
        if seen != self._seen:
            with self._lock:
                self._keys = {key.key_id: key for key in read_keys(self._settings)}
                self._seen = seen
        return self._keys


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _writing(settings: Settings) -> FileLock:
    path = path_of(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_suffix(".lock"), timeout=10)


def _write(settings: Settings, keys: list[Key]) -> None:
    path = path_of(settings)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"keys": [asdict(key) for key in keys]}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
