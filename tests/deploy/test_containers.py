"""Images, Compose and Kubernetes: what they promise, read from the files that a container engine reads."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.documented import commands
from tests.flows.test_overrides import MARTS, ROME
from warehouse import api_keys, overrides, silences
from warehouse.connection import connect
from warehouse.settings import ROOT, Settings

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STAGE = re.compile(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)
STAGES = {name: (base, text) for base, name, text in STAGE.findall(DOCKERFILE)}
IMAGES = ("flow", "api", "dashboard")
USER = 10001
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
MANIFESTS = [
    found
    for name in KUSTOMIZATION["resources"]
    for found in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
]
# As if only the API's group of dependencies, and what those require, were installed, and of the rooms those copied.
ONLY_THE_IMAGE = """
import sys, tomllib
from importlib import metadata
from pathlib import Path
from packaging.requirements import Requirement

wanted, known = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["api"], set()
while wanted:
    one = Requirement(wanted.pop())
    name = one.name.lower().replace("_", "-")
    if name not in known and (one.marker is None or one.marker.evaluate({"extra": ""})):
        known.add(name)
        wanted += metadata.requires(one.name) or []
installed = metadata.packages_distributions()
left_out = {
    module for module, names in installed.items() if not {name.lower().replace("_", "-") for name in names} & known
}

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in left_out:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
sys.path = ["", *(path for path in sys.path if path and not (Path(path) / "warehouse").exists())]
"""
IMPORTS = """
import api.app, api.server
from warehouse import connection, overrides, silences
from warehouse.settings import load_settings

api.app.create_app(load_settings(data_dir="nowhere"), is_guarded=False)
for name in ("fastapi", "pandas"):
    print(name, name not in left_out)
"""
SERVES = """
from api.server import main

sys.exit(main(sys.argv[1:]))
"""


def whole(stage: str) -> str:
    """The instructions of a stage and of those below it, in their order."""
    base, text = STAGES[stage]
    return (whole(base) if base in STAGES else "") + text


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_ends_as_a_user_without_rights_and_says_how_its_health_is_asked(name: str) -> None:
    assert re.findall(r"^USER (\S+)", whole(name), re.MULTILINE)[-1] == f"{USER}:{USER}"
    assert "HEALTHCHECK" in STAGES[name][1]
    assert "SKYDUCK_DATA_DIR=/data" in whole(name)


def test_what_an_image_copies_is_there_and_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    for path in let_in:
        assert (ROOT / path).exists(), path
    copied = [line.split()[:-1] for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)]
    assert {path for paths in copied for path in paths if path != "."} <= let_in
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert rooms <= let_in, "a room is missing in the images"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files of the API's image."""
    for line in re.findall(r"^COPY (?!--from)(.*)$", STAGES["api"][1], re.MULTILINE):
        *paths, to = line.split()
        for path in paths:
            target = tmp_path / "app" / to / (path if to == "./" else "")
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile)(ROOT / path, target)
    return tmp_path / "app"


def test_the_api_imports_nothing_that_its_image_lacks(image: Path) -> None:
    """Its group of dependencies, with what those require, covers whatever the API loads."""
    command = [sys.executable, "-c", ONLY_THE_IMAGE + IMPORTS]
    done = subprocess.run(command, cwd=image, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["fastapi", "True", "pandas", "False"]


def test_the_api_takes_an_override_and_a_silence_with_nothing_but_what_is_in_its_image(
    image: Path, tmp_path: Path
) -> None:
    settings, now = Settings(data_dir=tmp_path / "data"), datetime.now(UTC).replace(tzinfo=None)
    with connect(settings) as con:
        con.execute(MARTS)
    secret = api_keys.issue(settings, "night shift", "operator", now)
    env = {"SKYDUCK_DATA_DIR": str(settings.data_dir)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", ONLY_THE_IMAGE + SERVES, "--port", str(port)]
    window = [f"{now + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ}" for n in (1, 5)]
    decisions = {
        "/v1/overrides": {
            "series_id": ROME,
            "method": "set",
            "value": 21.5,
            "target_from": window[0],
            "target_to": window[1],
        },
        "/v1/alerts/heat_day/silence": {"window_from": window[0], "window_to": window[1]},
    }
    with subprocess.Popen(command, cwd=image, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            transport = httpx.HTTPTransport(retries=8)  # waits twice as long each time: half a minute in all
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", transport=transport, headers=headers, trust_env=False
            ) as client:
                for path, asked in decisions.items():
                    answer = client.post(path, json=asked | {"reason": "works"})
                    assert answer.status_code == 201, answer.text
        finally:
            server.terminate()
            server.communicate(timeout=30)
    assert [row["value"] for row in overrides.listed(settings, now + timedelta(hours=1))] == [21.5]
    assert len(silences.listed(settings, now + timedelta(hours=1))) == 1


def test_every_service_of_ours_is_contained_and_every_port_is_of_this_machine() -> None:
    assert {"prefect", "worker", "api", "dashboard", "prometheus", "grafana"} <= SERVICES.keys()
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["tmpfs"] == ["/tmp"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        if "build" in service:
            assert service["build"]["target"] in STAGES, name
        else:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), "an image of others is named by its version"
        mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert all((ROOT / path).exists() for path in mounted if path.startswith(".")), name


def test_compose_makes_the_automation_that_prefect_yaml_names() -> None:
    """Removed by its name before it is made again: an `up` more makes no second one."""
    (automation,) = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["automations"]
    (script,) = SERVICES["set-up"]["command"]
    for made in commands("operations.md", "With Prefect")[1]:
        if made.startswith("prefect work-"):
            assert made in script, "the pool and the queue that are documented"
    assert f'automation delete "{automation["name"]}"' in script
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_every_container_of_ours_that_reads_seeds_has_those_that_env_names_or_the_checkouts_own() -> None:
    for name, service in SERVICES.items():
        if "build" not in service or name == "prefect":
            continue
        assert service["environment"]["SKYDUCK_SEEDS_DIR"] == "/seeds", name
        assert "${SKYDUCK_SEEDS_DIR:-./dbt_project/seeds}:/seeds:ro" in service["volumes"], name
    assert (ROOT / "dbt_project" / "seeds" / "places.csv").exists()


def pods() -> dict[str, dict[str, Any]]:
    """Template of each workload, by its name."""
    found = {doc["metadata"]["name"]: doc["spec"] for doc in MANIFESTS if doc["kind"] in ("Deployment", "CronJob")}
    return {name: spec.get("jobTemplate", {"spec": spec})["spec"]["template"] for name, spec in found.items()}


@pytest.mark.parametrize("name", pods())
def test_a_pod_has_no_rights_no_token_and_nothing_to_write_but_its_volumes(name: str) -> None:
    spec = pods()[name]["spec"]
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, USER)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} <= container["resources"].keys()
    assert {"/data", "/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}
    named = {image["name"] for image in KUSTOMIZATION["images"]}
    assert container["image"] in named == {f"skyduck-{image}" for image in IMAGES}


@pytest.mark.parametrize("name", pods())
def test_a_pod_has_the_seeds_of_a_secret_where_there_is_one(name: str) -> None:
    spec = pods()[name]["spec"]
    assert {"name": "seeds", "secret": {"secretName": "skyduck-seeds", "optional": True}} in spec["volumes"]
    assert {"name": "seeds", "mountPath": "/seeds", "readOnly": True} in spec["containers"][0]["volumeMounts"]
    assert "SKYDUCK_SEEDS_DIR=/seeds" not in KUSTOMIZATION["configMapGenerator"][0]["literals"], "the image has its own"


def test_secrets_are_named_and_never_kept() -> None:
    assert not [doc for doc in MANIFESTS if doc["kind"] == "Secret"]
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml")))
    assert "secretGenerator" not in text
    assert {found["name"] for pod in pods().values() for found in secrets(pod)} == {"skyduck"}


def secrets(pod: dict[str, Any]) -> list[dict[str, str]]:
    (container,) = pod["spec"]["containers"]
    return [source["secretRef"] for source in container.get("envFrom", []) if "secretRef" in source]


def test_every_pod_is_closed_but_for_what_a_policy_opens_and_is_evicted_one_at_a_time() -> None:
    policies = {doc["metadata"]["name"]: doc["spec"] for doc in MANIFESTS if doc["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, pod in pods().items():
        asks = pod["metadata"]["labels"].get("skyduck/reaches") == "internet"
        assert asks == bool(secrets(pod)), f"{name}: who has the token may go out, and nobody else"
    served = {doc["metadata"]["name"] for doc in MANIFESTS if doc["kind"] == "Deployment"}
    for kind in ("Service", "PodDisruptionBudget"):
        assert {doc["metadata"]["name"] for doc in MANIFESTS if doc["kind"] == kind} == served


def test_only_one_daily_run_at_a_time() -> None:
    daily = next(doc for doc in MANIFESTS if doc["kind"] == "CronJob" and doc["metadata"]["name"] == "daily")
    assert (daily["spec"]["concurrencyPolicy"], daily["spec"]["timeZone"]) == ("Forbid", "Etc/UTC")


def test_every_file_of_the_folder_is_part_of_the_kustomization() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}
