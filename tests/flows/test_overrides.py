"""`skyduck override` and `skyduck alerts silence`: the commands of the operations guide, and mistakes in one line."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from flows.cli import _code, app
from flows.commands.alerts import alerts
from flows.commands.override import override
from flows.fingerprint import fingerprint
from tests.ml.conftest import NOW
from warehouse import overrides, silences
from warehouse.connection import connect
from warehouse.lock import hold
from warehouse.settings import ROOT, Settings

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = GUIDE.split("## When a person knows better")[1].split("\n## ")[0]
COMMANDS = [line for line in SECTION.split("```")[1].strip().splitlines() if line]
GROUPS: dict[str, Any] = {"override": typer.main.get_command(override), "alerts": typer.main.get_command(alerts)}
ROME = "weather.ROM.temperature_c"
MARTS = f"""
    create schema staging;
    create table staging.variables as from read_csv('{ROOT}/dbt_project/seeds/variables.csv');
    create schema marts;
    create table marts.dim_series as select '{ROME}' as series_id, 'weather' as dataset, 'temperature_c' as variable,
        true as is_target;
    create table marts.dim_alert_rules as
        select 'heat_day' as rule_id, 'weather' as dataset, 'temperature_c' as variable;
"""
Say = Callable[..., Any]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    found = Settings(data_dir=tmp_path)
    with connect(found) as con:
        con.execute(MARTS)
    return found


@pytest.fixture
def say(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(line: str, *, code: int = 0) -> Any:
        capsys.readouterr()
        found = _code([*shlex.split(line), "--as-of", NOW.isoformat()])
        out = capsys.readouterr()
        assert found == code, out.err
        assert "Traceback" not in out.err
        assert out.err.count("\n") == bool(code), out.err
        if code:
            return out.err
        return json.loads(out.out) if "--json" in line else out.out

    return said


def test_the_commands_of_the_guide_follow_one_another(settings: Settings, say: Say) -> None:
    add, listed, cancel, silence, silenced, unsilence = [line.removeprefix("skyduck ") for line in COMMANDS]
    assert "The published forecast follows with the next run" in say(add)
    (row,) = say(f"{listed} --json")
    assert (row["state"], row["method"], row["value"]) == ("ahead", "add", 3.0)
    short = row["override_id"].rsplit("-", 1)[1]
    assert short in say(listed)
    assert "is cancelled" in say(cancel.replace("0a1b2c", short))
    assert say(f"{listed} --json")[0]["state"] == "cancelled"
    assert "is silenced" in say(silence)
    (row,) = say(f"{silenced} --json")
    short = row["silence_id"].rsplit("-", 1)[1]
    assert short in say(silenced)
    assert "is over" in say(unsilence.replace("0a1b2c", short))
    assert say(f"{silenced} --json")[0]["state"] == "cancelled"


def test_the_guide_knows_every_command_and_the_help_explains_every_option() -> None:
    known = {tuple(shlex.split(line)[1:3]) for line in COMMANDS}
    ours = {("override", name) for name in GROUPS["override"].commands}
    assert known == ours | {("alerts", name) for name in ("silence", "silences", "unsilence")}
    for group, name in known:
        command = GROUPS[group].commands[name]
        assert command.help
        assert all(getattr(option, "help", None) for option in command.params), name
        options = {option: parameter for parameter in command.params for option in parameter.opts}
        assert {"--json", "--as-of"} <= options.keys(), name
        decides = name not in ("list", "silences")
        assert ("--actor" in options) == ("--wait" in options) == decides
        assert not decides or options["--reason"].required
        assert CliRunner().invoke(app, [group, name, "--help"]).exit_code == 0


ADD = f"override add {ROME} --from 2026-03-22T12:00 --to 2026-03-22T18:00 --reason x"
MISTAKES = [
    (ADD, "0 of --set, --add and --factor were given"),
    (f"{ADD} --add 1 --set 2", "2 of --set, --add and --factor"),
    (f"{ADD} --set nan", "expected a finite number"),
    (f"{ADD} --factor 2", "has no natural zero"),
    (f"{ADD} --set 99", "is not plausible"),
    (f"{ADD} --add 1 --reason ' '", "the reason is"),
    (f"{ADD} --add 1 --to soon", "is no time"),
    (f"{ADD} --add 1 --to 2026-03-22T11:00+05:00", "which is not after its begin"),
    (f"{ADD.replace('ROM', 'ROME')} --add 1", f"did you mean {ROME}"),
    ("override cancel nothing --reason x", "nothing on record as 'nothing'"),
    ("alerts silence heat --from 2026-03-22T12:00 --to 2026-03-23 --reason x", "did you mean heat_day"),
    ("alerts silence heat_day --from 2026-03-20 --to 2026-03-21 --reason x", "the past stays as it was told"),
    ("alerts unsilence nothing --reason x", "nothing on record as 'nothing'"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_told_in_one_line_and_writes_nothing(line: str, said: str, settings: Settings, say: Say) -> None:
    assert said in say(line, code=2)
    assert overrides.listed(settings, NOW) == silences.listed(settings, NOW) == []


def test_times_with_an_offset_are_kept_in_utc(say: Say) -> None:
    row = say(f"{ADD} --add 1 --from 2026-03-22T13:00+02:00 --json")
    assert row["target_from"] == "2026-03-22T11:00:00"


def test_a_decision_waits_for_whoever_writes_the_warehouse(settings: Settings) -> None:
    command = [sys.executable, "-m", "flows", *shlex.split(f"{ADD} --add 1 --as-of {NOW.isoformat()}")]
    with hold(settings, run_id="r", now=NOW, command="skyduck run"):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is being written by `skyduck run`" in done.stderr
    assert overrides.listed(settings, NOW) == []


@pytest.mark.parametrize(
    "line", [f"{ADD} --add 1", "alerts silence heat_day --from 2026-03-22T12:00 --to 2026-03-23 --reason x"]
)
def test_after_a_decision_a_published_copy_is_out_of_date(line: str, settings: Settings, say: Say) -> None:
    before = fingerprint(settings, NOW)
    assert fingerprint(settings, NOW) == before
    say(line)
    assert fingerprint(settings, NOW) != before


def test_who_decides_is_named(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "octo")
    assert say(f"{ADD} --add 1 --json")["actor"] == "octo"
    assert say(f"{ADD} --add 2 --actor ada --json")["actor"] == "ada"
