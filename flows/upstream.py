"""Where the loader's calls go: the live APIs, a sample server that runs already, or one started for this run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from flows.dbt_log import Progress
from flows.process import child
from warehouse.errors import BadInput, SkyduckError
from warehouse.runs import last_upstream
from warehouse.settings import Settings

START_SECONDS = 60.0


@contextmanager
def upstream(
    settings: Settings, *, now: datetime, progress: Progress, recordings: Path | None = None
) -> Iterator[Settings]:
    """Settings whose upstream answers for the length of the block. A live run never gets the sample."""
    _never_mix(settings)
    if settings.upstream == "live" or settings.sample_url:
        yield settings
        return
    log = settings.data_dir.resolve() / "logs" / "sample.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    arguments = ["--port", "0", "--now", f"{now:%Y-%m-%dT%H:%M:%S}"]
    if recordings:
        arguments += ["--recordings", str(recordings.resolve())]
    with child("sample", arguments, log=log) as process:
        url = _wait_for_url(process, log)
        progress(f"bundled sample upstream at {url}")
        yield settings.model_copy(update={"sample_url": url})


def _wait_for_url(process: subprocess.Popen[str], log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
            if line.startswith("listening ") and line.endswith("\n"):
                return line.split()[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-400:]
    raise SkyduckError(f"the bundled sample server did not start: {said or 'it said nothing'} (see {log})")


def _never_mix(settings: Settings) -> None:
    """Measurements and made-up hours never meet in one warehouse."""
    before = last_upstream(settings)
    if before and before != settings.upstream:
        raise BadInput(
            f"this warehouse holds {before} data and the run asks for upstream={settings.upstream}: the two are never "
            "mixed. Give this run a directory of its own: SKYDUCK_DATA_DIR=.data/" + settings.upstream
        )
