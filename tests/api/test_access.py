"""Keys, limits and sizes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.access import MOST_BODY, MOST_HEADERS, MOST_QUERY
from bench import publication
from tests.api.serving import NOW, problem, served, settings_of
from warehouse import api_keys
from warehouse.errors import BadInput


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("access")
    publication.publish(found, places=1)
    return found


@pytest.fixture
def api(folder: Path) -> Iterator[httpx.Client]:
    api_keys.path_of(settings_of(folder)).unlink(missing_ok=True)
    with served(settings_of(folder)) as client:
        yield client


def test_without_any_key_everybody_on_this_machine_reads_and_nobody_decides(api: httpx.Client):
    assert api.get("/v1/series").status_code == 200
    assert "skyduck keys issue" in problem(api.post("/v1/overrides", json=OVERRIDE), 401)


OVERRIDE = {
    "series_id": "weather.city-0.temperature_c", "target_from": "2026-11-21T12:00:00Z",
    "target_to": "2026-11-21T14:00:00Z", "method": "add", "value": 1.0, "reason": "foehn",
}  # fmt: skip


def test_with_a_key_issued_only_keys_read_and_a_revoked_one_no_more(api: httpx.Client, folder: Path):
    settings = settings_of(folder)
    secret = api_keys.issue(settings, "reader", "read", NOW)
    refused = api.get("/v1/series")
    assert "API key is needed" in problem(refused, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert api.get("/v1/series", headers=bearer(secret)).status_code == 200
    assert api.get("/v1/series", headers={"X-API-Key": secret}).status_code == 200
    assert "may only read" in problem(api.post("/v1/overrides", json=OVERRIDE, headers=bearer(secret)), 403)
    for wrong in (
        secret[:-1] + ("B" if secret.endswith("A") else "A"),
        secret.replace("sky_", "sky-"),
        "",
        "sky_00000000_" + "a" * 43,
        "é",
    ):
        problem(api.get("/v1/series", headers={"X-API-Key": wrong.encode()}), 401)
    problem(api.get("/metrics"), 401)
    assert api.get("/metrics", headers=bearer(secret)).status_code == 200
    assert api.get("/health").status_code == 200
    api_keys.revoke(settings, "reader", NOW)
    assert "revoked" in problem(api.get("/v1/series", headers=bearer(secret)), 401)
    problem(api.get("/v1/series"), 401)


def test_a_key_ends_when_it_expires(folder: Path):
    settings = settings_of(folder)
    api_keys.path_of(settings).unlink(missing_ok=True)
    secret = api_keys.issue(settings, "visitor", "read", NOW, NOW + timedelta(hours=1))
    with served(settings) as api:
        assert api.get("/v1/series", headers=bearer(secret)).status_code == 200
    with served(settings, now=NOW + timedelta(hours=1)) as api:
        assert "expired" in problem(api.get("/v1/series", headers=bearer(secret)), 401)


def test_a_damaged_file_of_keys_lets_nobody_in(api: httpx.Client, folder: Path):
    api_keys.path_of(settings_of(folder)).write_text("{")
    problem(api.get("/v1/series"), 503)


def test_a_guarded_server_demands_a_key_before_any_was_issued(folder: Path):
    api_keys.path_of(settings_of(folder)).unlink(missing_ok=True)
    with served(settings_of(folder), is_guarded=True) as api:
        problem(api.get("/v1/series"), 401)
        assert api.get("/health/live").status_code == 204


def test_what_is_kept_of_a_key_is_a_hash_that_only_its_owner_may_read(folder: Path):
    settings = settings_of(folder)
    secret = api_keys.issue(settings, "hashed", "operator", NOW)
    path = api_keys.path_of(settings)
    assert secret.split("_", 2)[2] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="in use"):
        api_keys.issue(settings, "hashed", "read", NOW)
    with pytest.raises(BadInput, match="letters"):
        api_keys.issue(settings, "a\nb", "read", NOW)
    with pytest.raises(BadInput, match="no key in use"):
        api_keys.revoke(settings, "nobody", NOW)


def test_each_key_has_its_own_limit_and_the_headers_say_how_it_stands(folder: Path):
    settings = settings_of(folder, api_rate_limit="5/hour")
    api_keys.path_of(settings).unlink(missing_ok=True)
    one, two = (api_keys.issue(settings, name, "read", NOW) for name in ("one", "two"))
    with served(settings) as api:
        left = []
        for _ in range(5):
            answer = api.get("/v1/series", headers=bearer(one))
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == '"default";q=5;w=3600'
            left.append(int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]))
        assert left == [4, 3, 2, 1, 0]
        stopped = api.get("/v1/series", headers=bearer(one))
        assert "more than 5 requests in 3600 s" in problem(stopped, 429)
        assert 0 < int(stopped.headers["retry-after"]) <= 3600
        assert api.get("/v1/series", headers=bearer(two)).status_code == 200
        guesses = [api.get("/v1/series", headers=bearer(f"sky_{n:08x}_{'a' * 43}")).status_code for n in range(7)]
        assert guesses == [401] * 5 + [429] * 2
        assert api.get("/health").status_code == 200


def test_what_is_too_large_is_refused_before_it_is_read(api: httpx.Client):
    problem(api.get("/v1/series", params={"place": "a" * MOST_QUERY}), 414)
    problem(api.get("/v1/series", headers={"X-Long": "a" * MOST_HEADERS}), 431)
    problem(api.post("/v1/overrides", content=b"a" * (MOST_BODY + 1)), 413)

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * (MOST_BODY // 10)

    problem(api.post("/v1/overrides", content=pieces(), headers={"Content-Type": "application/json"}), 411)


def test_other_web_pages_may_ask_only_where_it_is_allowed(folder: Path):
    api_keys.path_of(settings_of(folder)).unlink(missing_ok=True)
    origin = {"Origin": "https://board.example"}
    with served(settings_of(folder)) as api:
        assert "access-control-allow-origin" not in api.get("/v1/series", headers=origin).headers
    with served(settings_of(folder, api_cors_origins="https://board.example https://b.example")) as api:
        assert api.get("/v1/series", headers=origin).headers["access-control-allow-origin"] == origin["Origin"]
        other = api.get("/v1/series", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        assert api.options("/v1/series", headers=asked).status_code == 200


def test_a_rate_limit_that_is_none_is_named(folder: Path):
    with pytest.raises(BadInput, match="SKYDUCK_API_RATE_LIMIT"), served(settings_of(folder, api_rate_limit="often")):
        pass
