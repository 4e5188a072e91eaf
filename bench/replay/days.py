"""Day after day through the product's own daily run, in one process; what goes wrong happens before the day's run.

What a fault of a value tells is in the recordings already; here the upstream fails, files rot, a person errs, and a day
is missed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import httpx
import pyarrow as pa

from bench.replay import recordings
from bench.replay.faults import DATASET, Fault, Plan
from bench.scratch import settings_in
from flows import failure, logs, sequence
from flows.dbt_log import Progress
from flows.options import begin
from flows.recorded import find, write_seeds
from flows.run import new_run_id
from flows.upstream import upstream
from flows.watchdog import watch
from ml import artefact, production, registry, versions
from warehouse import results
from warehouse.decider import Decider
from warehouse.errors import SkyduckError
from warehouse.lock import hold
from warehouse.settings import Settings

AT, DUE = time(6, 10), time(7, 30)  # the daily run, and by when it has to be published
OUTAGE = [{"match": "data.gov.sg", "fault": "status_503", "times": None}]
WRONG_UNIT = 8.0  # intervals so many times too wide


@dataclass(frozen=True)
class Done:
    """One day of the replay. `missed`: daily runs that the watchdog found missing at the deadline."""

    day: str
    seconds: float
    error: str | None
    alarms: list[str]
    missed: int


def prepare(folder: Path, source: Path, plan: Plan) -> tuple[Settings, Path]:
    """Settings of a world in `folder`, and its recordings; one that is begun already goes on."""
    changed = folder / "recordings"
    if not (folder / "seeds").exists():
        shutil.rmtree(changed, ignore_errors=True)  # of a preparation that was stopped
        recordings.write(source, changed, plan.faults)
        write_seeds(find(changed), product=settings_in(folder).seeds_dir, folder=folder / "seeds")
    settings = settings_in(
        folder / "data", seeds_dir=folder / "seeds", history_days=plan.history_days, retry_wait_scale=0.0
    )
    return settings, changed


def replay(folder: Path, source: Path, plan: Plan, progress: Progress) -> Iterator[Done]:
    """Every day of the plan that is not on record yet, in order."""
    settings, changed = prepare(folder, source, plan)
    diary = folder / "days.jsonl"
    over = {done.day for done in read(folder)}
    first = datetime.combine(plan.first, AT)
    with (
        upstream(settings, now=first, progress=progress, recordings=changed) as serving,
        httpx.Client(base_url=str(serving.sample_url), trust_env=False) as admin,
    ):
        for day in plan.days:
            if day.isoformat() not in over:
                done = _one(serving, admin, day, [each for each in plan.faults if day in each.days], progress)
                with diary.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(done)) + "\n")
                yield done


def read(folder: Path) -> list[Done]:
    diary = folder / "days.jsonl"
    return [Done(**json.loads(line)) for line in diary.read_text().splitlines()] if diary.exists() else []


def _one(settings: Settings, admin: httpx.Client, day: date, faults: list[Fault], progress: Progress) -> Done:
    now = datetime.combine(day, AT)
    kinds = {fault.kind for fault in faults}
    admin.post("/_admin/now", json={"now": now.isoformat()}).raise_for_status()
    admin.delete("/_admin/faults").raise_for_status()
    if "outage" in kinds:
        admin.post("/_admin/faults", json=OUTAGE).raise_for_status()
    if "missed day" in kinds:
        return Done(day.isoformat(), 0.0, None, [], _missed(settings, day))
    run, error = begin("daily", settings=settings, as_of=now.isoformat(), progress=progress), None
    try:
        if "damaged model" in kinds:
            damage(settings, now)
        if "bad champion" in kinds:
            promote_wrong(settings, now - timedelta(minutes=10))
        with failure.told(run):
            sequence.daily(run)
    except SkyduckError as caught:  # as `skyduck run` ends: in one line, and tomorrow is another day
        error = str(caught)
    finally:
        logs.quiet()
    for page in (settings.data_dir / "drift").glob("*.html"):  # months of them in an hour: the product keeps 30 days
        page.unlink()
    seconds = next((step.seconds for step in reversed(run.steps) if step.step == "total"), 0.0)
    return Done(day.isoformat(), seconds, error, [alarm.alarm_id for alarm in run.alarms], _missed(settings, day))


def _missed(settings: Settings, day: date) -> int:
    return watch(settings, now=datetime.combine(day, DUE), due=DUE).missed


def damage(settings: Settings, now: datetime) -> None:
    """Flips one bit in the middle of the champion's bundle."""
    top = registry.champion(settings, DATASET, now)
    assert top is not None
    path = settings.models_path / str(top["model_version"]) / "bundle.json"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def promote_wrong(settings: Settings, now: datetime) -> None:
    """A version whose intervals were learnt on values of another unit, as `skyduck models promote` puts it in."""
    top = registry.champion(settings, DATASET, now)
    assert top is not None
    bundle = registry.load(settings, top)
    wrong = replace(bundle.calibration, factors=bundle.calibration.factors * WRONG_UNIT)
    files, name = replace(bundle, calibration=wrong).files(), f"{top['model_version']}-wrong"
    row = {**top, "model_version": name, "artefact": name, "artefact_sha256": artefact.save(settings, name, files)}
    table = pa.Table.from_pylist([row])
    results.replace(settings, "ml.model_versions", table, where="model_version = $name", values={"name": name})
    by = Decider("replay", "a mistake of a person", now, new_run_id(now))
    with hold(settings, run_id=by.run_id, now=now):
        production.decide(settings, "promote", [versions.find(settings, name, now)], by)
