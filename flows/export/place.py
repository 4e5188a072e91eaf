"""Where files are delivered to: a folder, or a prefix of a bucket. A file is there as a whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from warehouse.errors import BadInput, UpstreamFailed

# scheme -> its client, and what it takes from the environment
CLIENTS = {
    "s3": ("s3fs", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
    "gs": ("gcsfs", "GOOGLE_APPLICATION_CREDENTIALS"),
    "az": ("adlfs", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
}
EXPECTED = "a folder, or s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"


class Place(Protocol):
    """Paths are relative, with slashes. Raises BadInput for what a person can mend, UpstreamFailed for a lost store."""

    name: str
    writers: int  # how many files are best written side by side

    def read(self, path: str) -> bytes | None:
        """None where there is no such file."""

    def write(self, path: str, data: bytes) -> None: ...

    def create(self, path: str, data: bytes) -> bool:
        """False, and nothing written, where there is such a file already."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file below that folder, by path."""

    def remove(self, paths: Iterable[str]) -> None: ...


def open_place(url: str) -> Place:
    """Raises BadInput for a kind of place that is not known, or whose client is not installed."""
    scheme = url.split("://")[0] if "://" in url else ""
    if not url.strip():
        raise BadInput(f"--to is empty; expected {EXPECTED}")
    if scheme in ("", "file"):
        return Folder(Path(unquote(urlsplit(url).path) if scheme else url))
    if scheme not in CLIENTS:
        raise BadInput(f"nothing is exported to {scheme}://…; expected {EXPECTED}")
    where = url.removeprefix(f"{scheme}://").strip("/")
    if re.search(r"[?#]|^[^/]*@", where):
        raise BadInput(f"--to holds more than a bucket and a prefix; credentials are read from {CLIENTS[scheme][1]}")
    if not where:
        raise BadInput(f"{scheme}:// names no bucket; expected {EXPECTED}")
    return Bucket(scheme, where)


class Folder:
    """Beside each file under way lies one ending in `.tmp`, which no reader takes for data."""

    writers = 2

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().resolve()
        self.name = str(self._root)

    def read(self, path: str) -> bytes | None:
        with self._told():
            try:
                return (self._root / path).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, path: str, data: bytes) -> None:
        final = self._root / path
        draft = final.with_name(f"{final.name}.tmp")  # one that was left behind is written anew
        with self._told():
            final.parent.mkdir(parents=True, exist_ok=True)
            _write_through(draft, data, "wb")
            draft.replace(final)

    def create(self, path: str, data: bytes) -> bool:
        with self._told():
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                _write_through(self._root / path, data, "xb")
            except FileExistsError:
                return False
        return True

    def sizes(self, folder: str) -> dict[str, int]:
        with self._told():
            files = [path for path in (self._root / folder).rglob("*") if path.is_file()]
            return {path.relative_to(self._root).as_posix(): path.stat().st_size for path in files}

    def remove(self, paths: Iterable[str]) -> None:
        with self._told():
            for name in paths:
                path = self._root / name
                path.unlink(missing_ok=True)
                with suppress(OSError):  # folders that are left empty go with their last file
                    for folder in path.relative_to(self._root).parents[:-1]:
                        (self._root / folder).rmdir()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BadInput(f"{self.name} cannot be exported to: {error.strerror or type(error).__name__}") from None


class Bucket:
    """An object appears with its last byte, as S3, Google Cloud Storage and Azure promise."""

    writers = 8

    def __init__(self, scheme: str, where: str) -> None:
        self.name = f"{scheme}://{where}"
        self._scheme, self._root = scheme, where
        self._fs = self._connect(scheme)

    def _connect(self, scheme: str) -> Any:
        import fsspec

        client, _ = CLIENTS[scheme]
        try:
            # nothing of an earlier listing or connection is remembered: others may have written since
            with self._told():
                return fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True)
        except ImportError:
            raise BadInput(
                f"{scheme}:// needs {client}, which is not installed: `pip install {client}=={fsspec.__version__}`"
            ) from None

    def read(self, path: str) -> bytes | None:
        with self._told():
            try:
                found: bytes = self._fs.cat_file(f"{self._root}/{path}")
            except FileNotFoundError:
                return None
        return found

    def write(self, path: str, data: bytes) -> None:
        with self._told():
            self._fs.pipe_file(f"{self._root}/{path}", data)

    def create(self, path: str, data: bytes) -> bool:
        with self._told():
            try:
                self._fs.pipe_file(f"{self._root}/{path}", data, mode="create")
            except FileExistsError:
                return False
        return True

    def sizes(self, folder: str) -> dict[str, int]:
        with self._told():
            found = self._fs.find(f"{self._root}/{folder}", detail=True)
        return {name.removeprefix(f"{self._root}/"): int(about["size"]) for name, about in found.items()}

    def remove(self, paths: Iterable[str]) -> None:
        with self._told():
            if names := [f"{self._root}/{path}" for path in paths]:
                self._fs.rm(names)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The store's own words may quote what was sent, so only their kind is told."""
        bucket, asked = self._root.split("/")[0], CLIENTS[self._scheme][1]
        try:
            yield
        except ImportError:
            raise
        except FileNotFoundError:
            raise BadInput(f"there is no bucket {bucket!r} to export to, or nobody may see it: make it first") from None
        except Exception as error:
            kind = type(error).__name__
            if isinstance(error, OSError) and error.errno:
                kind = os.strerror(error.errno)
            if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
                raise BadInput(
                    f"{self.name} refused us ({kind}): its credentials are {asked}; "
                    "they must let it list, read, write and delete there"
                ) from None
            raise UpstreamFailed(
                f"{self.name} did not take the export ({kind}): what was published stays, a rerun goes on from here"
            ) from None


def _write_through(path: Path, data: bytes, mode: str) -> None:
    """To the disk, not to its cache."""
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
