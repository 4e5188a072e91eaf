"""The export as the last step of a daily run: what is published stays so, whatever becomes of it."""

from __future__ import annotations

from flows import failure
from flows.export.deliver import deliver
from flows.export.manifest import Scope
from flows.run import Run
from warehouse.alarms import Alarm

ALARM = "export"


def export(run: Run) -> None:
    """To SKYDUCK_EXPORT_TO. A failure is an alarm, told once, and over with the next export that goes well."""
    assert run.settings.export_to is not None
    try:
        with run.step("export") as note:
            done = deliver(run.settings, run.settings.export_to, Scope(), progress=run.progress)
            run.warnings += [done.problem] if done.problem else []
            run.exported, note.n_rows = str(done), done.n_rows
            note.detail |= {"to": done.to, "n_written": done.n_written, "written_bytes": done.written_bytes}
        failure.recover(run, ALARM)
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = f"what was published is not exported: {said}"
        run.warnings.append(what)
        step = "Mend what it names, then `skyduck export`; the next run exports what is missing, too"
        failure.raise_once(run, Alarm(ALARM, ALARM, "warning", what, step, ""))
