"""A day as in a container: the environment of the Dockerfile, nothing writable but data and a temporary folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.fixtures import Day
from tests.e2e.inputs import DAY_2
from tests.e2e.world import HISTORY_DAYS, RUN, World, differences
from warehouse.settings import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
SEALED = """
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
mount --bind "$WRITABLE" "$WRITABLE"
mount -o remount,bind,ro /
touch "$0/seal" 2>/dev/null && exit 99
exec "$@"
"""
MAY_SEAL = subprocess.run(
    ["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"], capture_output=True, check=False
)


def environment(temporary: Path) -> dict[str, str]:
    """What the stage `base` sets, with this folder in place of /tmp."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage = re.split(r"^FROM ", text, flags=re.MULTILINE)[3]
    (line,) = re.findall(r"^ENV (.+)$", stage, re.MULTILINE)
    found = dict(word.split("=", 1) for word in shlex.split(line) if not word.startswith(("PATH=", "SKYDUCK_")))
    assert {"HOME", "MPLCONFIGDIR"} <= found.keys()
    return {name: value.replace("/tmp", str(temporary)) for name, value in found.items()}


@pytest.mark.skipif(MAY_SEAL.returncode != 0, reason="takes the right to mount; ci.yml runs a day in the image itself")
def test_a_day_writes_nothing_but_the_data_and_temporary_files(eve: World, day_2: Day, tmp_path: Path) -> None:
    temporary = eve.root / "tmp"
    temporary.mkdir()
    # which instructions sums are made with is the machine's to say, and decides their last digits
    kernels = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
    env = environment(temporary) | kernels | {
        "PATH": os.environ["PATH"], "TMPDIR": str(temporary), "WRITABLE": str(eve.root), "NO_COLOR": "1",
        "SKYDUCK_DATA_DIR": str(eve.data), "SKYDUCK_SEEDS_DIR": str(eve.seeds), "SKYDUCK_RETRY_WAIT_SCALE": "0",
        "SKYDUCK_HISTORY_DAYS": str(HISTORY_DAYS), "SKYDUCK_GIT_SHA": "the commit of the image",
    }  # fmt: skip
    command = ["unshare", "--mount", "sh", "-euc", SEALED, str(ROOT), sys.executable, "-m", "flows", *RUN, DAY_2]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["warnings"] == []
    assert differences(eve.content(), day_2.content) == {}
    shas = eve.rows("select distinct git_sha from ml.model_versions where trained_at >= ?::timestamp", DAY_2)
    assert shas == [("the commit of the image",)]
