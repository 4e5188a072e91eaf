"""JSON over HTTP to typed rows in DuckDB: the product beside a pandas loader and dlt, from the same local server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import httpx

from bench.contender import Job, Outcome, contend
from bench.report import ratio, show
from bench.scratch import NOW, RECORDINGS, environment, machine, scratch, settings_in, write_seeds
from flows.recorded import SERIES, Found, find
from flows.recorded import write_seeds as write_recorded
from flows.screen import Screen
from flows.upstream import upstream
from warehouse.catalog import load_catalog
from warehouse.settings import Settings

SAMPLE_DAYS, QUICK_DAYS = 1096, 60
DATASETS = ("weather", "sgpm")
Days = tuple[date, date]


def main(quick: bool = False) -> None:
    screen, about = Screen(), machine()
    with scratch("loading") as folder:
        settings, days, now = prepare(folder, quick)
        outcomes: dict[str, Outcome] = {}
        for name, contender in (("pandas", "load_pandas"), ("dlt", "load_dlt"), ("skyduck", "load_product")):
            outcomes |= _turns(name, contender, folder / name, settings, days, now)
            screen.say(f"loading by {name}: {outcomes[name].seconds:.1f} s")
    _show(outcomes, days, about)


def recorded() -> list[Found]:
    """Weather and Singapore's regions of the recordings; nothing where they do not lie beside the project."""
    return [item for item in find(RECORDINGS) if item.dataset in DATASETS] if RECORDINGS.is_dir() else []


def prepare(folder: Path, quick: bool) -> tuple[Settings, dict[str, Days], datetime]:
    """Seeds, the days to ask for of each dataset, and the clock: of the recordings where there are any."""
    found = recorded()
    if not found:
        rows = load_catalog(settings_in(folder).seeds_dir).series
        seeds = write_seeds(
            folder / "seeds",
            series=[tuple(getattr(s, name) for name in SERIES) for s in rows if s.dataset in DATASETS],
        )
        last = NOW.date() - timedelta(days=20)
        days = {dataset: (last - timedelta(days=SAMPLE_DAYS - 1), last) for dataset in DATASETS}
        now = NOW
    else:
        seeds = folder / "seeds"
        write_recorded(found, product=settings_in(folder).seeds_dir, folder=seeds)
        days = {dataset: _span([item for item in found if item.dataset == dataset]) for dataset in DATASETS}
        now = datetime.combine(max(item.last for item in found), time()) + timedelta(days=8)
    if quick:
        days = {dataset: (last - timedelta(days=QUICK_DAYS - 1), last) for dataset, (_, last) in days.items()}
    return settings_in(folder, seeds_dir=seeds), days, now


def _span(found: Sequence[Found]) -> Days:
    return max(item.first for item in found), min(item.last for item in found)


def _turns(
    name: str, contender: str, folder: Path, settings: Settings, days: dict[str, Days], now: datetime
) -> dict[str, Outcome]:
    """One contender with an upstream of its own, as cold as the others'; the product is asked a second time."""
    recordings = RECORDINGS if recorded() else None
    own = settings.model_copy(update={"data_dir": folder, "drop_dir": folder / "drop"})
    with upstream(own, now=now, progress=lambda _: None, recordings=recordings) as serving:
        _warm(serving, days)
        catalog = load_catalog(serving.seeds_dir)
        weather = [catalog.places[spec.place_id] for spec in catalog.series if spec.dataset == "weather"]
        job: Job = {
            "url": serving.sample_url, "now": now, "turn": 1, "folder": str(folder),
            "database": str(folder / "own.duckdb"), "weather_days": days["weather"], "pm25_days": days["sgpm"],
            "places": [{"place_id": p.place_id, "latitude": p.latitude, "longitude": p.longitude} for p in weather],
        }  # fmt: skip
        quiet = {"DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
        env = environment(serving) | quiet
        found = {name: contend(contender, job, folder=folder, env=env)}
        if contender == "load_product":
            found[f"{name}, asked again"] = contend(contender, job | {"turn": 2}, folder=folder / "again", env=env)
    return found


def _warm(settings: Settings, days: dict[str, Days]) -> None:
    """The server reads its recordings at the first question: not in anybody's time."""
    first = {dataset: span[0].isoformat() for dataset, span in days.items()}
    asked = {
        "archive-api.open-meteo.com/v1/archive": {
            "latitude": "1", "longitude": "1", "hourly": "temperature_2m", "start_date": first["weather"],
            "end_date": first["weather"],
        },
        "api-open.data.gov.sg/v2/real-time/api/pm25": {"date": first["sgpm"]},
    }  # fmt: skip
    for path, params in asked.items():
        httpx.get(f"{settings.sample_url}/{path}", params=params, timeout=60)


def _show(outcomes: dict[str, Outcome], days: dict[str, Days], about: str) -> None:
    reference = outcomes["pandas"]
    rows = []
    for name, outcome in outcomes.items():
        n_values, same = _values(outcome), "yes" if _same(outcome, reference) else "NO"
        fetch, write = outcome.said["fetch"], outcome.said["write"]
        seconds = outcome.seconds - outcome.said.get("start", 0.0)  # measured besides, see below
        rows.append(
            (name, f"{n_values:,}", same, "–" if fetch is None else f"{fetch:.1f}", f"{write:.1f}",
             f"{seconds:.1f}", ratio(seconds, reference.seconds), f"{n_values / seconds:,.0f}",
             f"{outcome.peak_mib:,.0f}", ratio(outcome.peak_mib, reference.peak_mib))
        )  # fmt: skip
    own = outcomes["skyduck"].said
    what = "the recordings" if recorded() else "the sample"
    spans = ", ".join(f"{dataset} {first} to {last}" for dataset, (first, last) in days.items())
    show(
        f"versus, loading: {what}, {spans} ({about})",
        ("contender", "values", "same values", "fetch s", "to typed rows s", "process s", "of pandas",
         "values/s", "peak MiB", "of pandas"),
        rows,
        "skyduck checks every body, keeps it as received, keeps a ledger, and tests what it typed; pandas and dlt keep "
        "rows only. dlt fetches and writes in one pass (append, no key). Asked again with nothing new, pandas and dlt "
        f"fetch everything a second time; skyduck makes {outcomes['skyduck, asked again'].said['calls']} calls instead "
        f"of {own['calls']}. Of its seconds to typed rows, {own['start']:.1f} are dbt's start.",
    )  # fmt: skip


def _values(outcome: Outcome) -> int:
    hours, *_, n_regions, _ = outcome.said["found"]
    return int(hours) * 4 + int(n_regions)


def _same(outcome: Outcome, other: Outcome) -> bool:
    mine, theirs = outcome.said["found"], other.said["found"]
    return all(abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(mine, theirs, strict=True))
