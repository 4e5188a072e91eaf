"""The step that looks for drift, and the page of it that is drawn beside what follows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.process import child
from flows.run import Run
from warehouse.monitoring import link_page

DRAWING_S = 60


def look(run: Run) -> None:
    """Judges what is newest in every column of the marts. A failure here never stops the forecast."""
    from ml.monitor import pages
    from ml.monitor.watch import watch

    try:
        with run.step("drift") as note:
            found = watch(run.settings, now=run.now, run_id=run.run_id)
            drifted: dict[str, str] = {}
            for verdict in sorted((each for each in found if each.is_drift), key=lambda each: -each.q_value):
                drifted[f"{verdict.column.series_id} ({verdict.column.kind})"] = str(
                    verdict.what
                )  # the surest is the last
            run.drifted = dict(sorted(drifted.items()))
            pages.keep(found, _path(run, ".npz"))
            note.n_rows = len(found)
            note.detail["drifted"] = drifted
    except Exception as error:
        run.warnings.append(f"drift was not looked for: {(str(error).splitlines() or [repr(error)])[0]}")


@contextmanager
def page(run: Run) -> Iterator[None]:
    """Draws Evidently's page of the run's drift beside what the block does; a page that fails is a warning."""
    from ml.monitor import pages

    pairs, drawn = _path(run, ".npz"), _path(run, ".html")
    if not pairs.exists():
        yield
        return
    log = pairs.with_suffix(".log")
    try:
        with child("ml.monitor.pages", [str(pairs), str(drawn)], log=log) as process:
            yield
            try:
                code = process.wait(DRAWING_S)
            except subprocess.TimeoutExpired:
                code = None
        if code != 0:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            run.warnings.append(f"no page of the drift: {said[-1] if said else 'it took too long'}")
        else:
            _link(run, drawn)
    finally:
        for path in (pairs, log):
            path.unlink(missing_ok=True)
        pages.drop_old(drawn.parent)


def _link(run: Run, page: Path) -> None:
    """The mart shows it: a view, which the copy to be published is made from later."""
    try:
        link_page(run.settings, run.run_id, str(page.relative_to(run.settings.data_dir)))
    except Exception as error:
        run.warnings.append(f"the page of the drift is not linked: {(str(error).splitlines() or [repr(error)])[0]}")


def _path(run: Run, suffix: str) -> Path:
    return run.settings.data_dir / "drift" / f"{run.run_id}{suffix}"
