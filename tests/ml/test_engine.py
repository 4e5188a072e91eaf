"""The same models and forecasts on a cluster of two nodes as in this process, also where a node is lost on the way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fugue.api as fa
import numpy as np
import pandas as pd
import pytest

from ml import engine, ladder, snapshot
from ml.backtest import with_covariates
from ml.forecaster import build
from ml.learn import Learnt, learn, prepared
from ml.params import Params
from ml.predict import predict
from ml.stages import artefact_hashes
from ml.train import register
from warehouse.connection import connect
from warehouse.errors import BadInput
from warehouse.settings import Settings

MIB = 2**20
NODE = {"num_cpus": 1, "object_store_memory": 100 * MIB, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that can do one thing at a time; RAY_ADDRESS names it. Each test adds and loses the others."""
    with pytest.MonkeyPatch.context() as patch:
        # workers are niced by 15: on a busy machine they would hardly begin
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        from ray import cloudpickle
        from ray.cluster_utils import Cluster

        cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker knows the tests

        found = Cluster(initialize_head=True, head_node_args=NODE)
        # tests may reach this machine by its loopback only
        patch.setenv("RAY_ADDRESS", "127.0.0.1:" + found.address.split(":")[-1])
        yield found
        ray.shutdown()
        found.shutdown()


@pytest.fixture
def second(cluster: Any) -> Iterator[Any]:
    node = cluster.add_node(num_cpus=1, object_store_memory=100 * MIB)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def there(settings: Settings) -> Settings:
    return settings.model_copy(update={"engine": "ray"})


def node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


def slow_node(folder: str, number: int) -> tuple[int, str]:
    """Leaves a file when it has begun; long enough to be killed in."""
    at = Path(folder) / f"{number}-{node()}"
    at.touch()
    time.sleep(4)
    return number, node()


def smaller(params: Params) -> Params:
    models = {name: block for name, block in params.models.items() if name not in ("mstl", "auto_ets")}
    models["lightgbm_direct"] = models["lightgbm_direct"] | {"n_trees": 20, "n_spread_trees": 5}
    return params.model_copy(update={"models": models})


def asked_of(settings: Settings, made: Any) -> tuple[Any, ...]:
    asked, windows, panels = prepared(settings, "air", made.now, smaller(made.small_params(max_train_rows=4_000)))
    return panels, windows, asked, with_covariates(settings, asked), engine.silent


@pytest.mark.slow
def test_a_training_on_the_cluster_gives_the_same_bytes_and_the_same_forecasts(
    cluster: Any, second: Any, own_world: Settings, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = asked_of(own_world, made)
    here = learn(*arguments)
    with engine.workers(there(own_world), 2) as pool:
        both = [pool.submit(learn, *arguments), pool.submit(learn, *arguments)]
        found = [future.result() for future in both]
    for learnt in found:
        same_training(here, learnt)

    register(own_world, found[0], now=made.now, run_id="r1", reason="first")
    rows = {}
    for name, settings, part_rows in (
        ("here", own_world, 0),
        ("there", there(own_world), 200_000),
        ("parts", there(own_world), 48),
    ):
        monkeypatch.setattr(ladder, "PART_ROWS", part_rows)
        predict(settings, now=made.now, run_id=name, params_of=made.small_params)
        rows[name] = forecasts(settings, name)
    pd.testing.assert_frame_equal(rows["there"], rows["here"], check_exact=True)
    # a sum over other rows at a time may end in another last digit
    pd.testing.assert_frame_equal(rows["parts"], rows["here"], check_exact=False, rtol=1e-13, atol=0)


def ends_its_node(asked: Any, part: slice) -> Any:
    """As `_raw_part` on this machine; on the cluster its process is gone."""
    import ray

    if ray.get_runtime_context().worker.mode == ray.WORKER_MODE:
        os._exit(1)
    return raw_part(asked, part)


raw_part = ladder._raw_part


@pytest.mark.slow
def test_a_forecast_that_the_cluster_loses_each_time_is_made_here_and_says_so(
    cluster: Any, own_world: Settings, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = learn(*asked_of(own_world, made))
    register(own_world, learnt, now=made.now, run_id="r1", reason="first")
    predict(own_world, now=made.now, run_id="here", params_of=made.small_params)
    monkeypatch.setattr(ladder, "_raw_part", ends_its_node)
    monkeypatch.setattr(engine, "RETRIES", 0)
    told = predict(there(own_world), now=made.now, run_id="lost", params_of=made.small_params)
    assert any(f"air: {learnt.result.champion} forecast on this machine" in note for note in told.notes)
    assert all("the cluster lost a task 1 times" in note for note in told.notes)
    pd.testing.assert_frame_equal(forecasts(own_world, "lost"), forecasts(own_world, "here"), check_exact=True)


def same_training(here: Learnt, found: Learnt) -> None:
    assert found.data_hash == here.data_hash
    assert artefact_hashes(found.final) == artefact_hashes(here.final)
    assert (found.result.champion, found.result.reason) == (here.result.champion, here.result.reason)
    pd.testing.assert_frame_equal(found.result.summary, here.result.summary, check_exact=True)


def forecasts(settings: Settings, run_id: str) -> pd.DataFrame:
    with connect(settings, read_only=True) as con:
        return con.execute(
            "select * exclude (run_id) from ml.forecasts where run_id = ? order by series_id, horizon_h", [run_id]
        ).df()


def test_a_snapshot_encoded_on_the_cluster_has_the_same_bytes(
    cluster: Any, world: Settings, made: Any, tmp_path: Path
) -> None:
    panels, windows, asked, params, _ = asked_of(world, made)
    found = []
    for number, settings in enumerate((world, there(world))):
        folder = tmp_path / str(number)
        snapshot.write(folder, panels, windows, asked, params, partial(engine.each, settings))
        found.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")})
    assert found[0] == found[1]
    assert len(found[0]) == 10


@pytest.mark.slow
def test_statistical_models_shared_out_by_fugue_answer_as_they_do_here(
    cluster: Any, second: Any, world: Settings, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = asked_of(world, made)[0].report
    panel = panel.rows(panel.origin < 12)
    model = build("optimized_theta", made.small_params())
    here = model.predict(panel)
    assert np.isfinite(here).all()
    monkeypatch.setattr(engine, "LEAST_ROWS", 2)
    seen: list[str] = []
    transform = fa.transform
    monkeypatch.setattr(fa, "transform", lambda *a, **k: seen.append(k["engine"]) or transform(*a, **k))
    with engine.workers(there(world), 1):
        np.testing.assert_array_equal(model.predict(panel), here)
    assert seen == ["ray"]


@pytest.mark.slow
def test_a_node_that_is_killed_at_work_is_done_without(
    cluster: Any, second: Any, world: Settings, tmp_path: Path
) -> None:
    with engine.workers(there(world), 2) as pool:
        asked = [pool.submit(slow_node, str(tmp_path), number) for number in range(4)]
        wait_until(lambda: any(path.name.endswith(second.node_id) for path in tmp_path.iterdir()))
        cluster.remove_node(second, allow_graceful=False)
        answers = [future.result(timeout=60) for future in asked]
    assert [number for number, _ in answers] == [0, 1, 2, 3]
    begun = [path.name.split("-")[0] for path in tmp_path.iterdir()]
    again = [number for number in begun if begun.count(number) > 1]
    assert again, "nothing was begun twice: the node was not at work when it was killed"


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


def refuse(reason: str) -> None:
    raise BadInput(reason)


def test_what_a_task_raises_is_raised_here_in_its_own_words(cluster: Any, world: Settings) -> None:
    with pytest.raises(BadInput) as caught:
        engine.call(there(world), refuse, "too little")
    assert (type(caught.value), str(caught.value)) == (BadInput, "too little")


def test_a_node_with_other_code_does_no_work(cluster: Any, world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "code_hash", lambda: "of another version")
    with pytest.raises(BadInput, match="another version of skyduck"):
        engine.call(there(world), engine.silent, "")


def test_without_the_extra_the_message_names_it(world: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match=r"skyduck\[ray\]"), engine.workers(there(world), 1):
        pass


def test_an_address_where_nobody_listens_is_said_at_once(world: Settings) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unheard.getsockname()[1]}"
        code = "from ml import engine; from warehouse.settings import Settings; engine._ray(Settings(engine='ray'))"
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"RAY_ADDRESS": address}, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert f"BadInput: no Ray cluster answers at {address}" in done.stderr


def test_the_local_engine_imports_no_ray(world: Settings) -> None:
    code = "import sys; from ml import engine, predict, learn; from flows import ahead; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
