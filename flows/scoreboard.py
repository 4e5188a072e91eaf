"""The scoreboard: recordings in, a JSON line per plan entry out, through the product's own loader, dbt and backtest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from flows import dbt
from flows.recorded import Found, find, span, write_seeds
from flows.upstream import upstream
from loader.load import load
from ml.backtest import BacktestResult, backtest
from warehouse.catalog import load_catalog
from warehouse.errors import BadInput, SkyduckError
from warehouse.settings import Settings, load_settings

Progress = Callable[[str], None]


class Entry(BaseModel):
    """One line of a plan: forecast these series over [cut, end), having trained on what came before the cut."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = None
    series: list[str] = Field(min_length=1)
    cut: date
    end: date


def scoreboard(*, recordings: Path, plan: Path, bars: Path | None, progress: Progress) -> int:
    """Prints the lines; 1 where a bar is missed, else 0. Raises BadInput for a plan the recordings cannot serve."""
    entries = _read(plan, TypeAdapter(dict[str, Entry]))
    limits = _read(bars, TypeAdapter(dict[str, float])) if bars else {}
    if unknown := sorted(set(limits) - set(entries)):
        raise BadInput(f"{bars} has a bar for {', '.join(unknown)}, which the plan does not name")
    found = find(recordings)
    _check_served(entries, found)
    settings = prepare(recordings, found, progress=progress)
    missed = []
    for name, entry in entries.items():
        result = backtest(
            settings,
            entry.dataset or name,
            date_from=datetime.combine(entry.cut, time()),
            date_to=datetime.combine(entry.end, time()),
            places=entry.series,
            progress=progress,
        )
        line = score_line(name, result)
        print(json.dumps(line), flush=True)
        if name in limits and not line["mae"] <= limits[name]:
            missed.append(f"{name}: mae {line['mae']} is over its bar of {limits[name]}")
    for text in missed:
        print(text, flush=True)
    return 1 if missed else 0


def prepare(recordings: Path, found: list[Found], *, progress: Progress) -> Settings:
    """A scratch warehouse with all that was recorded, loaded and built up to the feature marts."""
    base = load_settings()
    scratch = base.data_dir.resolve() / "scoreboard"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    write_seeds(found, product=base.seeds_dir, folder=scratch / "seeds")
    settings = base.model_copy(
        update={
            "data_dir": scratch,
            "seeds_dir": scratch / "seeds",
            "drop_dir": recordings.resolve() / "files",
            "upstream": "sample",
            "target": "dev",
            "sample_url": None,
        }
    )
    load_catalog(settings.seeds_dir)
    now = datetime.combine(max(item.last for item in found), time()) + timedelta(days=8)
    with upstream(settings, now=now, progress=progress, recordings=recordings) as serving:
        for source in sorted({spec.source for spec in load_catalog(settings.seeds_dir).series}):
            since, until = span(found, source)
            summary = load(
                serving,
                now=now,
                run_id=f"scoreboard-{source}",
                mode="backfill",
                since=since,
                until=until,
                sources=[source],
                progress=progress,
            )
            for line in summary.failed:
                progress(line)
    result = dbt.build(settings, now=now, select=dbt.BEFORE_ML, progress=progress)
    result.raise_for_failures()
    return settings


def score_line(name: str, result: BacktestResult) -> dict[str, Any]:
    """The figures of one plan entry, over the report window only."""
    best, mae = result.best_naive, float(result.headline()["mae"])  # type: ignore[arg-type]
    scores = result.headline()
    return {
        "plan": name,
        "series": result.n_series,
        "origins": result.n_origins,
        "rows": result.n_rows,
        "best_naive": round(best, 3),
        "mae": round(mae, 3),
        "skill": round(1 - mae / best, 4),
        **{key: round(float(scores[key]), 4) for key in ("coverage80", "coverage90", "pinball")},  # type: ignore[arg-type]
        "train_seconds": round(result.train_seconds, 1),
        "peak_mib": round(result.peak_mib),
        "model": result.champion,
        "coverage80_by_bucket": scores["coverage80_by_bucket"],
        "coverage90_by_bucket": scores["coverage90_by_bucket"],
    }


def _check_served(entries: dict[str, Entry], found: list[Found]) -> None:
    for name, entry in entries.items():
        recorded = {item.place_id for item in found if item.dataset == (entry.dataset or name)}
        if missing := sorted(set(entry.series) - recorded):
            raise BadInput(
                f"plan '{name}' wants {', '.join(missing)} of dataset '{entry.dataset or name}'; "
                f"the recordings have {', '.join(sorted(recorded)) or 'none of it'}"
            )
        if entry.end <= entry.cut:
            raise BadInput(f"plan '{name}' ends on {entry.end}, not after its cut on {entry.cut}")


def _read(path: Path, form: TypeAdapter[Any]) -> Any:
    try:
        return form.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except OSError as error:
        raise SkyduckError(f"{path} cannot be read: {error}") from None
