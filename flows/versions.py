"""`skyduck models`: versions and decisions, drawn for a person."""

from __future__ import annotations

from typing import Any

from flows import summary
from flows.commands.options import plain
from flows.tables import Table, figure, moment, share

Row = dict[str, Any]
FINE = 4  # digits where versions are set side by side


def show_list(rows: list[Row]) -> None:
    header = ("version", "role", "status", "trained", "MAE", "pinball", "skill", "80 % holds", "origins")
    lines = tuple(
        (
            *(row["model_version"], row["role"] or "–", row["status"], moment(row["trained_at"])),
            *(figure(row["mae"]), figure(row["pinball"]), share(row["skill"]), share(row["coverage80"])),
            figure(row["n_origins"]),
        )
        for row in rows
    )
    summary.draw(Table("Versions, scored on windows that chose nothing", header, lines, numbers=5))


def show_version(found: Row) -> None:
    facts = [
        (name, _text(found[name]))
        for name in (
            *(
                "model_version",
                "dataset",
                "model",
                "status",
                "run_id",
                "trained_at",
                "data_as_of",
                "data_hash",
                "git_sha",
            ),
            *(
                "train_from",
                "train_to",
                "select_from",
                "select_to",
                "report_from",
                "report_to",
                "artefact_sha256",
                "report",
            ),
        )
    ]
    summary.draw(Table("Version", ("", ""), tuple(facts)))
    for window in ("select", "report"):
        scores = found["metrics"].get(window) or {}
        line = tuple(figure(value, FINE) for value in scores.values())
        summary.draw(Table(f"Scores, {window}", tuple(scores), (line,), len(scores)))
    summary.draw(_events(found["events"]))
    files = tuple((file["name"], file["sha256"], f"{file['n_bytes']:,}") for file in found["files"])
    summary.draw(Table("Files, each as trained", ("file", "sha256", "bytes"), files, numbers=1))
    if found["refusal"]:
        summary.console().print(f"not to be loaded: {found['refusal']}", markup=False, soft_wrap=True)
    params = tuple((key, _text(value)) for key, value in sorted(found["params"].items()))
    summary.draw(Table("Params", ("block", "value"), params))


def show_comparison(found: Row) -> None:
    sides = (found["a"], found["b"])
    params = tuple((key, _text(a), _text(b)) for key, (a, b) in found["params"].items())
    summary.draw(Table("Params that differ", ("param", *sides), params))
    for window, scores in found["scores"].items():
        lines = tuple((name, figure(a, FINE), figure(b, FINE)) for name, (a, b) in scores.items())
        summary.draw(Table(f"Scores, {window}", ("score", *sides), lines, numbers=2))
    line = found["paired"]["text"] if found["paired"] else "no origin that both were reported on"
    summary.console().print(f"{sides[1]} against {sides[0]}, origin by origin: {line}", markup=False, soft_wrap=True)


def show_history(found: Row) -> None:
    header = ("dataset", "version", "from", "to", "by", "actor", "why")
    lines = tuple(
        (
            *(row["dataset"], row["model_version"], moment(row["valid_from"]), moment(row["valid_to"])),
            *(row["action"], row["actor"], row["reason"]),
        )
        for row in found["periods"]
    )
    summary.draw(Table("In production" + (f" on {found['on']}" if found["on"] else ""), header, lines))
    if not lines:
        summary.console().print("nothing was in production")
    summary.draw(_events(found["events"]))


def show_decisions(decisions: list[Any]) -> None:
    out = summary.console()
    for made in decisions:
        said = {"reject": "is rejected", "approve": "is approved"}.get(made.action, "is in production")
        before = f" (before: {made.before})" if made.before and made.action != "reject" else ""
        out.print(f"{made.dataset}: {made.model_version} {said}{before}", markup=False, soft_wrap=True)
    if any(made.action != "reject" for made in decisions):
        out.print("The next forecast follows it: `skyduck run`, or `skyduck predict`", markup=False)


def _events(events: list[Row]) -> Table:
    lines = tuple(
        (moment(e["event_at"]), e["dataset"], e["action"], e["model_version"], e["actor"], e["reason"]) for e in events
    )
    return Table("Decisions", ("at", "dataset", "action", "version", "actor", "why"), lines)


def _text(value: Any) -> str:
    return "–" if value is None else str(plain(value))
