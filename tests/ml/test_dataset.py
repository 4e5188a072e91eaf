"""What a model may know: nothing observed, or first known, after the origin."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.dataset import Panel
from ml.features import matrix
from warehouse.connection import connect
from warehouse.errors import DataTestFailed
from warehouse.marts import OriginQuery, co_located_variables, origin_span

TARGET = "air.A.pm2_5_ugm3"
ORIGIN = datetime(2026, 3, 1, 12)
COVARIATES = ("nitrogen_dioxide_ugm3",)


def query(start: datetime, end: datetime, **more: object) -> OriginQuery:
    return OriginQuery(dataset="air", origin_from=start, origin_to=end, **more)  # type: ignore[arg-type]


def panel_at(settings, origin: datetime = ORIGIN) -> Panel:
    return dataset.read(settings, query(origin, origin + timedelta(hours=1)), covariates=COVARIATES)


def inputs(settings, made, origin: datetime = ORIGIN) -> np.ndarray:
    """Everything the regression and the naive methods read at an origin."""
    panel = panel_at(settings, origin)
    params = made.small_params().features
    params = params.model_copy(update={"covariates": COVARIATES, "drop": ()})
    X, _ = matrix(panel, params, list(panel.series["series_id"]))
    return np.column_stack([X, *panel.naive.values()])


def test_inputs_stay_the_same_when_everything_after_the_origin_is_something_else(world, make_world, made):
    series, table = made.small_world()
    later = (table["observed_at"] > ORIGIN) | (table["known_at"] > ORIGIN)
    rng = np.random.default_rng(5)
    shuffled = table.assign(value=np.where(later, rng.permutation(table["value"]) + 7, table["value"]))
    np.testing.assert_array_equal(inputs(world, made), inputs(make_world(series, shuffled), made))


def test_the_comparison_above_catches_a_mart_that_leaks_the_next_hour(make_world, made):
    series, table = made.small_world()
    later = table["observed_at"] > ORIGIN
    worlds = []
    for name, values in (("true", table["value"]), ("shuffled", table["value"].where(~later, 99.0))):
        settings = make_world(series, table.assign(value=values), name=name)
        with connect(settings) as con:  # the newest element of the history becomes the hour after the origin
            con.execute("""
                update marts.fct_origin_features as f
                set history = list_prepend(o.first_value::float, (f.history::float[])[1:167])::float[168]
                from marts.fct_observations as o
                where o.series_id = f.series_id and o.observed_at = f.origin_at + interval 1 hour
            """)
        worlds.append(inputs(settings, made))
    assert not np.array_equal(*worlds, equal_nan=True)


def test_a_revision_counts_from_the_moment_it_was_known(world, make_world, made):
    series, table = made.small_world()
    revised = ORIGIN - timedelta(hours=5)
    revision = pd.DataFrame(
        [
            {
                "series_id": TARGET,
                "observed_at": revised,
                "version_no": 2,
                "value": 123.0,
                "known_at": ORIGIN - timedelta(hours=1),
            }
        ]
    )
    settings = make_world(series, pd.concat([table, revision]))
    before, after = panel_at(settings, ORIGIN - timedelta(hours=3)), panel_at(settings, ORIGIN)
    assert after.history[0, 5] == 123.0
    assert before.history[0, 2] == panel_at(world, ORIGIN - timedelta(hours=3)).history[0, 2] != 123.0


def test_a_late_hour_is_missing_at_an_origin_that_did_not_have_it(make_world, made):
    series, table = made.small_world()
    late = table["known_at"].where(table["series_id"] != TARGET, table["observed_at"] + timedelta(hours=2))
    panel = panel_at(make_world(series, table.assign(known_at=late)))
    assert np.isnan(panel.history[0, :2]).all()
    assert np.isfinite(panel.history[0, 2])
    assert panel.stats["staleness_h"][0] == 2


def test_a_live_origin_and_the_same_origin_of_a_backtest_give_equal_inputs(make_world, made):
    series, table = made.small_world()
    live = make_world(series, table, ORIGIN + timedelta(hours=1, minutes=10), "live")  # 13:00, off the grid
    with connect(live) as con:
        grid = con.execute(
            "select count(*) from marts.fct_origin_features where origin_at = $at", {"at": ORIGIN + timedelta(hours=1)}
        ).fetchone()
    assert grid == (0,)
    on_grid = make_world(
        series,
        table.assign(**{name: table[name] - timedelta(hours=1) for name in ("observed_at", "known_at")}),
        ORIGIN + timedelta(hours=3),
        "grid",
    )
    a, b = panel_at(live, ORIGIN + timedelta(hours=1)), panel_at(on_grid, ORIGIN)
    np.testing.assert_array_equal(a.history, b.history)
    for name in set(dataset.ORIGIN_STATS) - {"mean_672"}:  # that one counts calendar days
        np.testing.assert_array_equal(a.stats[name], b.stats[name], err_msg=name)
    for name in dataset.NAIVES:
        np.testing.assert_array_equal(a.naive[name], b.naive[name], err_msg=name)


def test_training_before_a_moment_uses_only_truths_observed_and_known_by_then(world, made):
    panel = dataset.read(world, query(made.start, made.now)).scorable()
    cut = datetime(2026, 2, 20)
    known = panel.known_before(cut)
    assert 0 < len(known) < len(panel)
    assert (known.target_h * 3600 < pd.Timestamp(cut).timestamp()).all()
    late = replace(panel, known_at=panel.known_at + 3 * 86_400).known_before(cut)
    assert len(late) < len(known)


def test_the_sample_is_the_same_each_time_and_part_of_the_whole(world, made):
    whole = query(made.start, made.now)
    part = replace(whole, origin_fraction=0.5, row_fraction=0.3, seed=4)
    first, again, other = (dataset.read(world, asked).row_frame() for asked in (part, part, replace(part, seed=5)))
    everything = dataset.read(world, whole).row_frame()
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    assert len(first.merge(everything)) == len(first)
    assert 0.1 < len(first) / len(everything) < 0.2
    assert origin_span(world, whole)[0] == len(everything) / 48


def test_an_origin_that_stands_twice_in_the_marts_is_refused(own_world):
    with connect(own_world) as con:
        con.execute("insert into marts.fct_origin_features from marts.fct_origin_features where place_id = 'A'")
    with pytest.raises(DataTestFailed, match=f"{TARGET} twice"):
        panel_at(own_world)


def test_only_the_places_asked_for_are_read(world):
    panel = dataset.read(world, query(ORIGIN, ORIGIN + timedelta(days=1), places=("B",)))
    assert set(panel.row_frame()["series_id"]) == {"air.B.pm2_5_ugm3"}


def test_covariates_are_those_measured_at_the_same_place(world):
    assert co_located_variables(world, "air") == ["nitrogen_dioxide_ugm3"]
    history = panel_at(world).covariates["nitrogen_dioxide_ugm3"]
    assert np.isfinite(history[:2]).all()
    assert np.isnan(history[2]).all()  # C has no NO2


def test_calendar_is_the_wall_clock_of_the_place(make_world, made):
    series = [made.series_row("air", "D", "pm2_5_ugm3", is_target=True, timezone="Asia/Singapore")]
    table = made.readings(series[0]["series_id"], made.start, made.wave(1))
    panel = panel_at(make_world(series, table))
    assert panel.local_hour[0] == 21  # 13:00 UTC
    assert panel.local_weekday[0] == 6  # 1 March 2026 is a Sunday
    assert panel.local_weekday[3] == 0  # 16:00 UTC is Monday in Singapore


@pytest.mark.parametrize("column", ["target", "known_at", "is_ok"])
def test_inputs_do_not_depend_on_the_truth(world, made, column):
    panel = panel_at(world)
    other = replace(panel, **{column: np.zeros_like(getattr(panel, column))})
    params, series = made.small_params().features, list(panel.series["series_id"])
    np.testing.assert_array_equal(matrix(panel, params, series)[0], matrix(other, params, series)[0])
