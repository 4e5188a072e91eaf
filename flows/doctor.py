"""`skyduck doctor`: what a run needs of this machine, asked one by one."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
from typing import Literal

from flows import summary
from flows.tables import Table
from warehouse import account, motherduck
from warehouse.account import Check
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.errors import BadInput, SkyduckError
from warehouse.lock import holder
from warehouse.privacy import KEY, pseudonyms
from warehouse.published import open_copy, published_copy
from warehouse.settings import Settings

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "prefect", "pandas", "statsforecast", "lightgbm")
DISK_GIB_WARN, DISK_GIB_BAD = 5.0, 0.5
TIMEOUT = 5.0


def examine(settings: Settings) -> list[Check]:
    return [
        _python(),
        _packages(),
        _lock(settings),
        *_tokens(settings),
        *_reach(settings),
        *(_motherduck(settings) if settings.is_motherduck else []),
        _disk(settings),
        _warehouse(settings),
        _published(settings),
    ]


def unwell(checks: list[Check]) -> bool:
    return any(check.state == "bad" for check in checks)


def show(checks: list[Check]) -> None:
    summary.draw(Table("Doctor", ("", "check", "found"), tuple((c.state, c.name, c.text) for c in checks)))


def _python() -> Check:
    version = sys.version.split()[0]
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check("python", "ok" if good else "bad", version if good else f"{version}; 3.11 to 3.13 are tested")


def _packages() -> Check:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", "bad", f"missing: {', '.join(missing)}; `make run` installs requirements.lock")
    return Check("packages", "ok", ", ".join(found))


def _lock(settings: Settings) -> Check:
    running = holder(settings)
    return Check("lock", "warn" if running else "ok", f"held by {running}" if running else "free")


def _tokens(settings: Settings) -> list[Check]:
    found = []
    if settings.is_motherduck:
        there = settings.motherduck_token is not None
        found.append(Check("MOTHERDUCK_TOKEN", "ok" if there else "bad", "set" if there else "missing, and demanded"))
    for name, token in (
        ("SKYDUCK_OPEN_METEO_API_KEY", settings.open_meteo_api_key),
        ("SKYDUCK_DATA_GOV_SG_API_KEY", settings.data_gov_sg_api_key),
    ):
        found.append(Check(name, "ok", "set" if token else "not set: the free limits apply"))
    found += _private_places(settings)
    if url := os.environ.get("PREFECT_API_URL"):
        found.append(Check("PREFECT_API_URL", "ok", url))
    return found


def _private_places(settings: Settings) -> list[Check]:
    """Nothing to say where no place is private; broken seeds are named by the run that reads them."""
    try:
        catalog = load_catalog(settings.seeds_dir)
    except BadInput:
        return []
    n_private = sum(place.is_private for place in catalog.places.values())
    try:
        pseudonyms(settings, catalog)
    except BadInput as error:
        return [Check(KEY, "bad", str(error))]
    return [Check(KEY, "ok", f"set, for {n_private} private")] if n_private else []


def _reach(settings: Settings) -> list[Check]:
    if settings.upstream != "live":
        return [Check("upstream", "ok", "the bundled sample: nothing to reach")]
    return [_reachable(host) for host in hosts(settings)]


def _motherduck(settings: Settings) -> list[Check]:
    reached = [_reachable(account.HOST)] if motherduck.is_real(settings) else []
    return [*reached, *account.examine(settings)]


def hosts(settings: Settings) -> list[str]:
    """What the sources of the loader ask live."""
    from loader.source import discover

    return sorted({host for source in discover().values() for host in source.hosts(settings)})


def _reachable(host: str) -> Check:
    try:
        with socket.create_connection((host, 443), timeout=TIMEOUT):
            return Check(host, "ok", "answers")
    except OSError as error:
        return Check(host, "bad", f"cannot be reached: {error.strerror or error}")


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    state: Literal["ok", "warn", "bad"] = "bad" if free < DISK_GIB_BAD else "warn" if free < DISK_GIB_WARN else "ok"
    if not os.access(folder, os.W_OK):
        return Check("disk", "bad", f"{folder} cannot be written")
    return Check("disk", state, f"{free:.1f} GiB free at {folder}")


def _warehouse(settings: Settings) -> Check:
    if settings.target == "dev" and not settings.warehouse_path.exists():
        return Check("warehouse", "warn", f"none yet at {settings.warehouse_path}; `skyduck run` makes one")
    try:
        with connect(settings, read_only=not settings.is_motherduck) as con:
            row = con.execute("select count(*) from raw.payloads").fetchone()
    except SkyduckError as error:
        return Check("warehouse", "warn" if holder(settings) else "bad", str(error))
    return Check("warehouse", "ok", f"opens; {row[0] if row else 0:,} bodies received")


def _published(settings: Settings) -> Check:
    try:
        path = published_copy(settings)
        with open_copy(path) as con:
            row = con.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchone()
    except SkyduckError as error:
        fresh = not (settings.published_path / "CURRENT").exists()
        return Check("published copy", "warn" if fresh else "bad", str(error))
    return Check("published copy", "ok", f"{path.name}: {row[0] if row else 0} tables")
