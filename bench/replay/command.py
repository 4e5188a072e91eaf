"""`python -m bench replay`: both replays, the tables of what was found, and the page."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from bench.replay import page, record, tables
from bench.replay.days import replay
from bench.replay.faults import HALF_YEAR, TWO_WEEKS, Plan
from bench.replay.found import judge
from bench.scratch import RECORDINGS
from flows import logs
from flows.options import quiet_telemetry
from flows.screen import Screen
from flows.summary import console, draw
from flows.tables import Table
from warehouse.errors import BadInput, SkyduckError
from warehouse.settings import ROOT

OUT = ROOT / ".data" / "replay"
KINDS = ("faults", "clean")


def main(quick: bool = False) -> None:
    run(TWO_WEEKS if quick else HALF_YEAR, folder(quick), KINDS)


def folder(quick: bool = False) -> Path:
    """Where worlds and page lie; what is there already is not replayed again."""
    return OUT / ("two-weeks" if quick else "half-year")


def run(plan: Plan, out: Path, kinds: tuple[str, ...]) -> None:
    if not RECORDINGS.is_dir():
        raise BadInput(f"the replay needs the recordings, and {RECORDINGS} is not there")
    screen = Screen()
    plans = {"faults": plan, "clean": plan.clean()}
    for kind in kinds:
        (out / kind).mkdir(parents=True, exist_ok=True)
        for done in replay(out / kind, RECORDINGS, plans[kind], screen.tick):
            wrong = f"; {done.error}" if done.error else ""
            screen.say(f"{kind} {done.day}: {done.seconds:.0f} s, open: {', '.join(done.alarms) or '–'}{wrong}")
    show(plan, out)


def show(plan: Plan, out: Path) -> None:
    """What is on record of either replay, as tables and as a page."""
    faulty, clean = record.of(out / "faults"), record.of(out / "clean")
    drawn: list[Table] = []
    said: list[str] = []
    for name, found, its_plan in (("with faults", faulty, plan), ("without faults", clean, plan.clean())):
        if not found.days:
            continue
        findings = judge(its_plan, found, clean)
        drawn += [tables.timeline(name, its_plan, found)]
        drawn += [tables.found(name, findings)] if its_plan.faults else []
        drawn += [tables.false_alarms(name, findings)]
        said += [f"{name}, {len(found.days)} days. {line}" for line in tables.verdicts(findings)]
    for table in drawn:
        draw(table)
    console().print("\n".join(said), soft_wrap=True)
    page.write(out / "replay.html", plan, faulty, clean, drawn, said)
    console().print(f"drawn: {out / 'replay.html'}", soft_wrap=True)


def command() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.replay")
    parser.add_argument("--quick", action="store_true", help="a cut of days instead of half a year")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this replay (default: both)")
    parser.add_argument("--first", type=date.fromisoformat, help="another first day")
    parser.add_argument("--last", type=date.fromisoformat, help="another day after the last one")
    parser.add_argument("--out", type=Path, help="where worlds and page lie (default: under .data/replay)")
    parser.add_argument("--show", action="store_true", help="only what is on record already")
    options = parser.parse_args()
    quiet_telemetry()
    logs.quiet()
    plan = TWO_WEEKS if options.quick else HALF_YEAR
    plan = Plan(options.first or plan.first, options.last or plan.last, plan.faults, plan.episode, plan.history_days)
    kinds = () if options.show else tuple(options.kind or KINDS)
    try:
        run(plan, (options.out or folder(options.quick)).resolve(), kinds)
    except SkyduckError as error:
        print(f"replay: {error}", file=sys.stderr)
        return error.exit_code
    return 0
