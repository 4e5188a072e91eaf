"""`skyduck keys`: the secret is shown once, and never again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli import _code
from warehouse.api_keys import KeyRing
from warehouse.settings import Settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SKYDUCK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return Settings(data_dir=tmp_path)


def said(line: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    assert _code(["keys", *line]) == code
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    return out.err if code else out.out


def test_a_key_is_issued_listed_and_revoked(here: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No key was ever issued" in said(["list"], capsys)
    secret = said(["issue", "night shift", "--scope", "operator"], capsys).strip()
    ring = KeyRing(here)
    found = ring.find(secret)
    assert found is not None
    assert (found.name, found.scope) == ("night shift", "operator")
    listed = said(["list"], capsys)
    assert "night shift" in listed
    assert "in use" in listed
    assert secret not in listed
    (row,) = json.loads(said(["list", "--json"], capsys))
    assert "sha256" not in row
    assert "opens nothing any more" in said(["revoke", row["key_id"]], capsys)
    assert ring.find(secret).revoked_at is not None  # type: ignore[union-attr]
    assert "was revoked" in said(["list"], capsys)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (["issue", "twice"], "in use"),
        (["issue", "line\nbreak"], "expected 1 to 64"),
        (["issue", "late", "--expires", "2020-01-01T00:00"], "before now"),
        (["issue", "never", "--expires", "soon"], "is no time"),
        (["revoke", "nobody"], "skyduck keys list"),
    ],
)
def test_a_mistake_is_told_in_a_line(line: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(["issue", "twice"], capsys)
    assert reason in said(line, capsys, code=2)
