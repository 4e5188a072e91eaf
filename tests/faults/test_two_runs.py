"""Two runs at once: the second ends naming the first."""

from __future__ import annotations

import signal
import time

import pytest

from tests.e2e.inputs import DAY_2
from tests.e2e.world import RUN, World, sample_server, url
from warehouse.lock import holder

pytestmark = pytest.mark.timeout(600)


def test_the_second_of_two_runs_ends_with_2_naming_the_first(eve: World) -> None:
    with sample_server(DAY_2, {"match": "", "fault": "timeout", "times": None, "args": {"seconds": 600}}) as server:
        first = eve.start(*RUN, DAY_2, SKYDUCK_SAMPLE_URL=url(server))
        try:
            end = time.monotonic() + 60
            while (found := holder(eve.settings)) is None or found.run_id == "unknown":
                assert first.poll() is None, first.communicate()[1]
                assert time.monotonic() < end, "the first run never took the lock"
                time.sleep(0.05)
            second = eve.run(DAY_2)
            assert first.poll() is None, "the first run was over before the second came"
        finally:
            first.send_signal(signal.SIGTERM)
            first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (143, 2)
    line = second.stderr.strip().splitlines()[-1]
    assert f"(pid {first.pid} " in line
    assert f"run {found.run_id}" in line
    assert "--wait" in line
    assert second.stdout == ""
    assert eve.steps(DAY_2) == [], "one of the two got as far as a step"
    assert holder(eve.settings) is None
