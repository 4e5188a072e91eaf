"""What a source is: which subjects it serves, how to ask for a range of days, how to judge the answer.

A source is one file in `loader/sources/`, found by listing that folder. It defines NAME and the functions of the
protocol `Source`; it never calls anything itself, so that a check can be tested on a body alone.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from warehouse.catalog import Catalog
from warehouse.errors import BadInput
from warehouse.settings import Settings

Mode = Literal["backfill", "live"]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Window:
    """[start, end) in UTC."""

    start: datetime
    end: datetime

    @property
    def n_days(self) -> int:
        return -((self.start - self.end) // DAY)


@dataclass(frozen=True)
class Planned:
    """One window of one subject that is due."""

    subject: str
    window: Window
    mode: Mode


@dataclass(frozen=True)
class Host:
    """How one upstream wants to be treated.

    limits: (weight, per seconds), counted together by all hosts of one bucket.
    wait_429: seconds to wait on a 429 that names none; give_up_words: a 429 with one of these lasts too long to wait.
    empty_words: an answer with one of these means that there is nothing for the window.
    """

    name: str
    bucket: str
    limits: tuple[tuple[float, float], ...]
    concurrency: int = 1
    wait_429: float = 60.0
    give_up_words: tuple[str, ...] = ()
    busy_words: tuple[str, ...] = ()
    empty_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """One kind of body of a source, planned day by day.

    day_offset: a local day starts this much before the UTC day. repull_days: how long values are revised.
    max_days: longest window of one body. reach_days: only that many days before today are asked for.
    to_now: a window cannot end before today does. by_file: planned by what lies in the drop folder instead.
    """

    source: str
    name: str
    subjects: tuple[str, ...]
    max_days: int = 366
    repull_days: float = 0.0
    day_offset: timedelta = timedelta(0)
    reach_days: int | None = None
    to_now: bool = False
    earliest: datetime | None = None
    by_file: bool = False


@dataclass(frozen=True)
class Request:
    """One call (or one file to read) that answers one or more planned windows. Secrets never show in a repr."""

    endpoint: Endpoint
    planned: tuple[Planned, ...]
    host: Host | None = None
    path: str = ""
    params: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0
    file: Path | None = None
    signature: str | None = None
    secret_params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def window(self) -> Window:
        return self.planned[0].window


@dataclass(frozen=True)
class Checked:
    """The verdict on the part of a body that belongs to one subject.

    document: that part, parsed (None where nothing could be parsed). text: it as received, if it stood alone.
    present: the hours (UTC) with at least one value. incomplete: something that was asked for is missing altogether.
    digest: what the sha256 is taken of: the document without its volatile fields.
    """

    planned: Planned
    status: Literal["ok", "rejected"]
    document: Any = None
    text: str | None = None
    digest: Any = None
    reason: str | None = None
    incomplete: str | None = None
    present: frozenset[datetime] = frozenset()
    n_values: int = 0


@dataclass(frozen=True)
class Context:
    """What planning and checking may know.

    previous: per subject, the STABLE fields of its newest body. read_files: signatures of files already read.
    first_attempts: per subject, when it was first asked for. say: a line for the person watching.
    """

    settings: Settings
    catalog: Catalog
    now: datetime
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    read_files: frozenset[str] = frozenset()
    first_attempts: Mapping[str, datetime] = field(default_factory=dict)
    mode: Mode = "live"
    say: Callable[[str], None] = print


class Source(Protocol):
    """STABLE: fields (name -> JSON path) that should not change between bodies of a subject."""

    NAME: str
    STABLE: Mapping[str, str]

    def hosts(self, settings: Settings) -> Sequence[str]:
        """Every host that a live run asks; none where nothing is asked over a network."""

    def endpoints(self, catalog: Catalog) -> Sequence[Endpoint]:
        """What the catalogue wants from this source. Raises BadInput for what it cannot serve."""

    def requests(self, endpoint: Endpoint, planned: Sequence[Planned], context: Context) -> Sequence[Request]:
        """Every planned window in exactly one request."""

    def check(self, request: Request, content: bytes, context: Context) -> Sequence[Checked]:
        """A verdict for every planned window of the request; never raises for what a server may send."""


def discover() -> dict[str, Source]:
    """Every source in `loader/sources/`, by name."""
    package = importlib.import_module("loader.sources")
    modules = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    found = [cast(Source, importlib.import_module(f"loader.sources.{name}")) for name in modules]
    return {source.NAME: source for source in found}


def choose(names: Sequence[str] | None) -> list[Source]:
    """The sources named, or all. Raises BadInput for a name that no file bears."""
    known = discover()
    unknown = sorted(set(names or ()) - known.keys())
    if unknown:
        raise BadInput(f"unknown source {unknown[0]!r}; there are {', '.join(known)}")
    return [source for name, source in known.items() if names is None or name in names]
