"""The API against its own OpenAPI: what it promises, whatever a fuzzer asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bench import publication
from tests.api.serving import NOW, served, settings_of
from tests.flows.test_overrides import MARTS
from warehouse import api_keys
from warehouse.connection import connect

# Sizes are refused before a parameter is looked at. A schema cannot say that one parameter must not lie after another,
# nor which series and rules there are.
CONFIG = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429, 431]
""" + "".join(
    f'[[operations]]\ninclude-path = "{path}"\nchecks.positive_data_acceptance.enabled = false\n'
    for path in (
        "/v1/predictions",
        "/v1/observations",
        "/v1/series",
        "/v1/alerts",
        "/v1/overrides",
        "/v1/alerts/{alert_id}/silence",
    )
)


def test_a_generated_client_has_plain_names_and_rows_with_columns(api: httpx.Client) -> None:
    """Generators call functions by operationId, and take the first form of an answer for its type."""
    paths = api.get("/openapi.json").json()["paths"]
    names = {operation["operationId"]: operation for methods in paths.values() for operation in methods.values()}
    assert len(names) == sum(map(len, paths.values()))
    assert {"predictions", "observations", "alerts", "runs_steps", "alerts_silence", "health"} <= set(names)
    for name in ("predictions", "observations", "alerts"):
        form, about = next(iter(names[name]["responses"]["200"]["content"].items()))
        assert (form, list(about["schema"])) == ("application/json", ["$ref"])


@pytest.mark.slow
def test_every_operation_keeps_its_promises(tmp_path: Path) -> None:
    publication.publish(tmp_path, places=2)
    settings = settings_of(tmp_path)
    with connect(settings) as con:
        con.execute(MARTS)
    secret = api_keys.issue(settings, "fuzzer", "operator", NOW)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    with served(settings) as api:
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run",
                f"{str(api.base_url).rstrip('/')}/openapi.json", "--header", f"Authorization: Bearer {secret}",
                "--max-examples", "20", "--workers", "1", "--seed", "7", "--no-color",
            ],
            cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, timeout=280,
        )  # fmt: skip
    told = "\n".join(line[:300] for line in done.stdout.splitlines())
    assert done.returncode == 0, told[-8000:]
    assert "Tested: 15" in told
