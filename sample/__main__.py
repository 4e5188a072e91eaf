"""`python -m sample`: the stand-in upstream as a command."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sample import PARENT
from sample.app import Upstream, build
from sample.backend import Backend
from sample.clock import Clock, parse_now
from sample.faults import NAMES, FaultBook, Rule
from sample.generated import Generated
from sample.recordings import Recordings
from sample.server import listen, serve, watch_parent

HELP = """\
A stand-in for the hosts skyduck loads from, on 127.0.0.1, with their paths, parameters, JSON shapes, limits and
errors. The host is the first segment of the path:

  /archive-api.open-meteo.com/v1/archive             /api-open.data.gov.sg/v2/real-time/api/pm25
  /api.open-meteo.com/v1/forecast                    /api.energy-charts.info/public_power
  /air-quality-api.open-meteo.com/v1/air-quality     /previous-runs-api.open-meteo.com/v1/forecast

Values come from a seeded generator (any place on earth; the same seed gives the same hour the same value), or
from a folder of recordings. The first line printed is `listening http://127.0.0.1:PORT`.
"""
EPILOG = f"""\
while it runs:
  GET    /_admin/health    alive, its clock and its limits
  POST   /_admin/now       {{"now": "2026-11-20T06:10"}} sets the clock; null goes back to the real one
  POST   /_admin/faults    [{{"match": "archive", "fault": "html200", "times": 1, "skip": 0, "args": {{}}}}]
                           match: part of host/path?query; times null = always; GET counts them, DELETE clears
  GET    /_admin/requests  what was asked: host, path, query, status, fault; DELETE forgets it
  GET    /_admin/places    the recorded places

faults: {", ".join(NAMES)}

example:
  python -m sample --port 8899 --now 2026-11-20T06:10
  curl '127.0.0.1:8899/api.energy-charts.info/public_power?country=it&start=2026-11-19'
"""


def _moment(text: str) -> datetime:
    try:
        return parse_now(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no ISO 8601 time, such as 2026-11-20T06:10 (UTC)") from None


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is no folder")
    return Path(text)


def _rules(text: str) -> list[Rule]:
    try:
        found = json.loads(text)
        return TypeAdapter(list[Rule]).validate_python(found if isinstance(found, list) else [found])
    except (json.JSONDecodeError, ValidationError) as error:
        raise argparse.ArgumentTypeError(f"no fault rule: {error}") from None


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m sample", description=HELP, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = made.add_argument
    add("--port", type=int, default=0, help="port to listen on; 0 (default) takes a free one")
    add("--now", type=_moment, metavar="TIME", help="UTC time at which the clock stands still; default: the real clock")
    add("--seed", type=int, default=1, help="seed of the generator (default 1)")
    add("--recordings", type=_folder, metavar="DIR", help="serve slices of the recordings in DIR, nothing generated")
    add("--limits", choices=("documented", "off"), default="off", help="the hosts' rate limits (default off)")
    add("--archive-lag-days", type=int, default=2, metavar="N", help="whole days the archive is late (default 2)")
    add("--fault", type=_rules, action="append", default=[], metavar="JSON", help="a fault rule or a list of them")
    add("--exit-with-parent", action="store_true", help="end when the process that started this one is gone")
    return made


def _real() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def main() -> int:
    options = parser().parse_args()
    if options.exit_with_parent:
        watch_parent(PARENT)
    try:
        sock = listen(options.port)
    except (OSError, OverflowError) as error:
        print(f"port {options.port} on 127.0.0.1 cannot be used: {error}; --port 0 takes a free one", file=sys.stderr)
        return 2
    lag: int = options.archive_lag_days
    backend: Backend = Recordings(options.recordings, lag) if options.recordings else Generated(options.seed, lag)
    rules = [rule for group in options.fault for rule in group]
    upstream = Upstream(
        backend, Clock(_real, options.now), limited=options.limits == "documented", faults=FaultBook(rules)
    )
    serve(build(upstream), sock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
