"""The `skyduck` command: help, exit codes, one line for a user's mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from flows.cli import app
from tests.flows.conftest import Skyduck
from warehouse.lock import lock_path
from warehouse.settings import ROOT, Settings

GROUP = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)  # type: ignore[attr-defined]
WITH_AS_OF = {"run", "load", "backfill", "build", "train", "tune", "backtest", "predict", "publish", "status"}
WITH_AS_OF |= {"watchdog", "migrate"}
WITH_JSON = PROMISED = WITH_AS_OF | {"doctor", "export"}
WITH_AS_OF = WITH_AS_OF | {"docs"}  # writes pages, for people


def test_every_promised_command_is_there() -> None:
    assert set(COMMANDS) >= PROMISED


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_and_each_of_its_options_has_a_help_text(name: str) -> None:
    command = GROUP.commands[name]  # type: ignore[attr-defined]
    assert command.help
    for option in command.params:
        assert getattr(option, "help", None), f"{name} {option.name}"
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert ("--json" in result.output) == (name in WITH_JSON)
    assert ("--as-of" in result.output) == (name in WITH_AS_OF)


def test_help_needs_neither_prefect_nor_the_models() -> None:
    code = (
        "import sys\nfrom flows import cli\n"
        "print(sorted({'prefect', 'lightgbm', 'statsforecast', 'dbt', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


MISTAKES = [
    (["run", "--as-of", "yesterday"], "is not a time"),
    (["run", "--as-of", "2999-01-01"], "lies in the future"),
    (["predict", "--as-of", "2024-13-01"], "is not a time"),
    (["backfill", "--since", "2024-02-30"], "is no date"),
    (["backfill", "--since", "2024-03-02", "--until", "2024-03-01"], "lies after"),
    (["backtest", "--dataset", "weather", "--from", "2024-03-02", "--to", "2024-03-01"], "lies after"),
    (["scoreboard", "--recordings", "nowhere", "--plan", "nowhere.json"], "does not exist"),
    (["backtest", "--dataset", "weather", "--from", "2024-03-01", "--to", "2024-03-02"], "there is no warehouse at"),
    (["predict"], "there is no warehouse at"),
    (["tune", "--dataset", "weather", "--trials", "1"], "there is no warehouse at"),
    (["nonsense"], "No such command"),
    (["run", "--upstream", "dream"], "Invalid value"),
    (["backfill"], "Missing option"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=[" ".join(arguments)[:70] for arguments, _ in MISTAKES])
def test_a_mistake_ends_with_2_and_no_traceback(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flows.cli import _code

    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    assert _code(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback_wherever_it_stands(skyduck: Skyduck) -> None:
    quiet = skyduck("run", "--as-of", "yesterday")
    loud = skyduck("run", "--as-of", "yesterday", "--debug")
    assert (quiet.returncode, loud.returncode) == (2, 2)
    assert quiet.stderr.splitlines() == [
        "skyduck: --as-of 'yesterday' is not a time; expected something like 2026-11-20T06:10 (UTC)"
    ]
    assert "Traceback" in loud.stderr


def test_a_bad_setting_names_itself(skyduck: Skyduck) -> None:
    done = skyduck("status", SKYDUCK_TARGET="production")
    assert done.returncode == 2
    assert done.stderr.startswith("skyduck: setting refused: target")


@pytest.mark.parametrize("arguments", [["run"], ["run", "--plain"], ["load"], ["predict"]])
def test_motherduck_without_a_token_is_refused_before_anything_starts(
    arguments: list[str], settings: Settings, skyduck: Skyduck
) -> None:
    done = skyduck(*arguments, SKYDUCK_TARGET="prod")
    assert done.returncode == 2
    assert "MOTHERDUCK_TOKEN" in done.stderr
    assert "SKYDUCK_TARGET=dev" in done.stderr
    assert not settings.data_dir.exists()


def test_an_unreachable_motherduck_never_shows_the_token(skyduck: Skyduck) -> None:
    done = skyduck("load", SKYDUCK_TARGET="prod", MOTHERDUCK_TOKEN="canary-token-4711")
    assert done.returncode == 3
    for word in ("MOTHERDUCK_TOKEN", "client version", "network", "Nothing was written"):
        assert word in done.stderr
    assert "canary-token-4711" not in done.stdout + done.stderr


def test_an_unreachable_prefect_is_one_line_that_names_the_plain_command(skyduck: Skyduck) -> None:
    done = skyduck("run", "--as-of", "2026-01-01T06:10", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("skyduck:")]
    assert len(errors) == 1
    assert "PREFECT_API_URL=http://127.0.0.1:9/api does not answer" in errors[0]
    assert "skyduck run --plain" in errors[0]
    assert "Traceback" not in done.stderr


HOLDER = """
import sys, time
from datetime import datetime
from pathlib import Path
from warehouse.lock import hold
from warehouse.settings import load_settings
with hold(load_settings(data_dir=Path(sys.argv[1])), run_id="r1", now=datetime(2026, 11, 20), command="skyduck run"):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def holder(settings: Settings) -> Iterator[int]:
    command = [sys.executable, "-c", HOLDER, str(settings.data_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process.pid
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "arguments", [["run"], ["load"], ["backfill", "--since", "2026-01-01"], ["publish"], ["train"]]
)
def test_a_second_writer_ends_naming_the_first(arguments: list[str], holder: int, skyduck: Skyduck) -> None:
    done = skyduck(*arguments)
    assert done.returncode == 2
    assert f"being written by `skyduck run` (pid {holder}" in done.stderr


def test_status_and_doctor_name_the_holder_and_do_not_wait(holder: int, skyduck: Skyduck) -> None:
    assert f"(pid {holder}" in json.loads(skyduck("status", "--json").stdout)["running"]
    checks = {check["name"]: check for check in json.loads(skyduck("doctor", "--json").stdout)["checks"]}
    assert f"(pid {holder}" in checks["lock"]["text"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_gives_the_lock_back_and_ends_its_children(
    number: signal.Signals, code: int, settings: Settings
) -> None:
    env = os.environ | {"SKYDUCK_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "flows", "load", "--as-of", "2026-01-01"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    text = lock_path(settings).with_suffix(".json")
    end = time.monotonic() + 30
    while not text.exists() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.5)
    children = _children(process.pid)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "what was committed stays" in err
    assert "Traceback" not in err
    assert not text.exists()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


STOPPED_WITHIN_A_STATEMENT = """
import os, signal, sys, threading
from flows import cli
from warehouse import connection
ensure = connection._ensure

def endless(con, settings):
    connection._ensure = ensure
    threading.Timer(0.5, lambda: os.kill(os.getpid(), {number})).start()
    con.execute("create table main.endless as select sum(hash(i)) as x from range(10_000_000_000_000) as t(i)")

connection._ensure = endless
signal.signal(signal.SIGINT, signal.default_int_handler)
cli.main(["load", "--as-of", "2026-01-01"])
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_stopped_within_a_statement_ends_as_one_stopped_beside_it(
    number: signal.Signals, code: int, settings: Settings
) -> None:
    command = [sys.executable, "-c", STOPPED_WITHIN_A_STATEMENT.format(number=int(number))]
    env = os.environ | {"SKYDUCK_DATA_DIR": str(settings.data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "what was committed stays" in done.stderr
    assert not lock_path(settings).with_suffix(".json").exists()


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def test_status_of_an_empty_directory_says_what_to_do_and_writes_nothing(settings: Settings, skyduck: Skyduck) -> None:
    done = skyduck("status", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    for key in ("last_run", "published_path", "published_at", "data_as_of"):
        assert found[key] is None
    assert (found["n_series"], found["n_forecast_rows"], found["champions"]) == (0, 0, [])
    assert any("skyduck run" in note for note in found["notes"])
    assert not settings.data_dir.exists()


def test_live_data_gets_a_directory_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from flows.options import command_settings

    monkeypatch.chdir(tmp_path)
    for name in ("SKYDUCK_DATA_DIR", "SKYDUCK_UPSTREAM"):
        monkeypatch.delenv(name, raising=False)
    assert command_settings("sample").data_dir == Path(".data")
    assert command_settings("live").data_dir == Path(".data/live")
    monkeypatch.setenv("SKYDUCK_DATA_DIR", "mine")
    assert command_settings("live").data_dir == Path("mine")


def test_json_never_holds_what_json_does_not_know() -> None:
    from flows.commands.options import plain

    value = {"a": float("nan"), "b": datetime(2026, 1, 1), "c": (Path("x"), {1}), 4: None}
    assert plain(value) == {"a": None, "b": "2026-01-01T00:00:00", "c": ["x", [1]], "4": None}
