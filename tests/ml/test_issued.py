"""Weather forecasts as a model sees them, and the refusal of observations passed off as forecasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml import dataset
from ml.backtest import Source, backtest, with_covariates
from ml.features import matrix
from ml.issued import observed_later, refuse_observed
from ml.learn import data_hash
from warehouse.connection import connect
from warehouse.errors import DataTestFailed
from warehouse.fingerprint import ON_GRID, mart_fingerprint
from warehouse.marts import OriginQuery

VARIABLES = ("temperature_c", "wind_speed_kmh")
SPREAD_OF_AGE = {1: 1.0, 2: 1.5, 3: 2.0}
CHEAT = """
    update marts.fct_issued_forecasts as f set issued = truth.issued
    from (
        select i.place_id, i.variable, i.origin_at, list(o.value {} order by h)::float[48] as issued
        from (select distinct place_id, variable, origin_at from marts.fct_issued_forecasts) as i
        cross join (select unnest(range(1, 49)) as h)
        left join marts.fct_observations as o
            on o.series_id = 'weather.' || i.place_id || '.' || i.variable and o.observed_at = i.origin_at + to_hours(h)
        group by all
    ) as truth
    where f.place_id = truth.place_id and f.variable = truth.variable and f.origin_at = truth.origin_at
"""


def forecasts(table: pd.DataFrame, made) -> pd.DataFrame:
    """Rows of int_forecasts_issued: the truth and an error that grows with age."""
    rng = np.random.default_rng(8)
    made_of = []
    for age, spread in SPREAD_OF_AGE.items():
        part = table.assign(days_before=age, known_before_h=24 * age - 6, payload_seq=1)
        part["target_at"] = part["observed_at"]
        part["available_at"] = part["observed_at"] - timedelta(hours=24 * age - 6)
        part["value"] = part["value"] + rng.normal(0, spread, len(part))
        part[["dataset", "place_id", "variable"]] = part["series_id"].str.split(".", expand=True).to_numpy()
        made_of.append(part)
    names = ["place_id", "variable", "payload_seq", "target_at", "days_before", "known_before_h"]
    return pd.concat(made_of)[[*names, "available_at", "value"]]


@pytest.fixture(scope="module")
def source(tmp_path_factory, made):
    """Weather at two places, its forecasts as issued at both and at a third that measures only PM2.5."""
    series = [
        made.series_row("weather", place, name, is_target=name == VARIABLES[0]) for place in "AB" for name in VARIABLES
    ]
    tables = [made.readings(row["series_id"], made.start, made.wave(n)) for n, row in enumerate(series, 1)]
    table = pd.concat(tables, ignore_index=True)
    settings = made.build_world(tmp_path_factory.mktemp("issued"), series, table)
    with connect(settings) as con:
        con.register("forecasts", forecasts(table, made))
        con.execute("insert into staging.int_forecasts_issued by name select * from forecasts")
        made.build_features(con, made.now)
    return Source(settings, with_covariates(settings, made.small_params("weather")))


@pytest.fixture
def own_source(source, tmp_path, made):
    """The same, to be cheated in."""
    return replace(source, settings=made.copy_world(source.settings, tmp_path / "own"))


def read(source: Source, made, days: int = 60) -> dataset.Panel:
    return source.read(source.query(made.now - timedelta(days=days), made.now, (0, 12)))


def test_auto_stands_for_the_forecasts_there_are_at_the_datasets_places(source, world, made):
    assert source.params.features.issued == VARIABLES
    assert with_covariates(world, made.small_params()).features.issued == ()


def test_each_row_has_the_forecast_of_its_target_hour_and_its_lead(source, made):
    panel = read(source, made)
    with connect(source.settings) as con:
        rows = con.execute(
            "select origin_at, issued, lead from marts.fct_issued_forecasts where place_id = 'B' and variable = $v",
            {"v": VARIABLES[1]},
        ).fetchall()
    arrays = {at: (issued, lead) for at, issued, lead in rows}
    frame, checked = panel.row_frame(), 0
    for row in np.flatnonzero(frame["series_id"] == "weather.B.temperature_c")[::97]:
        issued, lead = arrays[frame["origin_at"].iloc[row].to_pydatetime()]
        h = int(panel.horizon[row])
        assert panel.issued[VARIABLES[1]][row] == pytest.approx(issued[h - 1], abs=1e-4)
        assert panel.issued_lead_h[row] == lead[h - 1] >= h
        checked += 1
    assert checked > 20
    assert set(panel.issued_lead_h) == {18.0, 42.0, 66.0}


def test_without_forecasts_the_lead_is_missing_and_nothing_else(world, made):
    asked = OriginQuery(dataset="air", origin_from=datetime(2026, 3, 1), origin_to=datetime(2026, 3, 2))
    panel = dataset.read(world, asked)
    assert np.isnan(panel.issued_lead_h).all()
    assert all(np.isnan(values).all() for values in panel.issued.values())
    X, names = matrix(panel, made.small_params().features, list(panel.series["series_id"]))
    assert not [name for name in names if name.startswith("issued")]
    trained_with = made.small_params().features.model_copy(update={"issued": VARIABLES})
    X, names = matrix(panel, trained_with, list(panel.series["series_id"]))
    for name in ("issued_temperature_c", "issued_lead_h"):
        assert np.isnan(X[:, names.index(name)]).all()


def test_the_matrix_tells_the_forecast_the_way_the_series_is_told(source, made):
    panel = read(source, made)
    X, names = matrix(panel, source.params.features, list(panel.series["series_id"]))
    column = dict(zip(names, X.T, strict=True))
    last = panel.stats["last_value"][panel.origin]
    np.testing.assert_allclose(column["issued_temperature_c"], panel.issued["temperature_c"] - last, atol=1e-4)
    np.testing.assert_array_equal(column["issued_wind_speed_kmh"], panel.issued["wind_speed_kmh"])
    wind = panel.covariates["wind_speed_kmh"][panel.origin, 0]
    np.testing.assert_allclose(column["issued_wind_speed_kmh_change"], panel.issued["wind_speed_kmh"] - wind, atol=1e-4)


def test_forecasts_as_issued_make_a_better_forecast(source, made):
    """Trained and reported as always; the only difference is whether the forecasts are read."""
    until = datetime(made.now.year, made.now.month, made.now.day)
    mae = {}
    for issued in ((), "auto"):
        params = made.small_params("weather")
        models = {name: params.models[name] for name in ("naive_last", "naive_mean7", "lightgbm_direct")}
        features = params.features.model_copy(update={"issued": issued})
        params = params.model_copy(update={"features": features, "models": models})
        result = backtest(
            source.settings, "weather", date_from=until - timedelta(days=10), date_to=until, params=params
        )
        mae[issued] = float(result.headline()["mae"])  # type: ignore[arg-type]
    assert mae["auto"] < 0.8 * mae[()]


def test_models_of_other_forecasts_are_other_models(source, made):
    panel = read(source, made, days=5)
    other = replace(panel, issued={name: values + 1 for name, values in panel.issued.items()})
    assert data_hash(panel) != data_hash(other)
    moved = replace(panel, series=panel.series.assign(latitude=panel.series["latitude"] + 1))
    assert data_hash(panel) != data_hash(moved)


def test_what_was_observed_later_is_found_in_later_origins(source, made):
    panel = read(source, made)
    found = observed_later(panel, "wind_speed_kmh")
    with connect(source.settings) as con:
        rows = con.execute(
            "select observed_at, value from marts.fct_observations where series_id = 'weather.A.wind_speed_kmh'"
        ).fetchall()
    truth = dict(rows)
    frame = panel.row_frame()
    mine = np.flatnonzero((frame["series_id"] == "weather.A.temperature_c") & np.isfinite(found))
    assert len(mine) > 2000
    for row in mine[::101]:
        at = frame["origin_at"].iloc[row].to_pydatetime() + timedelta(hours=int(panel.horizon[row]))
        assert found[row] == pytest.approx(truth[at], abs=1e-4)


@pytest.mark.parametrize("variable", VARIABLES)
def test_observed_weather_handed_over_as_issued_is_refused_before_anything_is_learnt(own_source, made, variable):
    """The cheat, in the mart: what was observed at the target hour stands where the forecast stood."""
    refuse_observed(read(own_source, made))
    with connect(own_source.settings) as con:
        con.execute(CHEAT.format("") + " and f.variable = $v", {"v": variable})
    until = datetime(made.now.year, made.now.month, made.now.day)
    with pytest.raises(DataTestFailed, match=rf"weather: 100% of .* forecasts of {variable} equal what was observed"):
        backtest(
            own_source.settings, "weather", date_from=until - timedelta(days=7), date_to=until,
            params=made.small_params("weather"),
        )  # fmt: skip


def test_a_cheat_in_the_reported_days_alone_is_refused_too(source, made):
    panel = read(source, made, days=10)
    cheated = replace(panel, issued=panel.issued | {"temperature_c": panel.target.astype(np.float32)})
    refuse_observed(panel)
    with pytest.raises(DataTestFailed, match="temperature_c equal what was observed later"):
        refuse_observed(cheated)


def test_observed_weather_under_a_little_noise_is_refused_because_its_error_does_not_grow(own_source, made):
    with connect(own_source.settings) as con:
        con.execute(CHEAT.format("+ (hash(o.observed_at, i.origin_at, h) % 1000) / 250"))
    with pytest.raises(DataTestFailed, match="err no more two days ahead than one"):
        read(own_source, made)


@pytest.mark.parametrize("zone", [-8, -6, 0, 5, 8])
@pytest.mark.parametrize(("growth", "refused"), [(0.12, False), (0.0, True)])
def test_the_hour_of_the_day_is_not_taken_for_the_lead(source, made, zone, growth, refused):
    """Afternoons err more than nights, and early leads come at other hours than late ones: only pairs of one hour tell.

    Daily origins alone hold no such pairs, and prove nothing either way.
    """
    panel = read(source, made)
    rng = np.random.default_rng(zone + 20)
    local = (panel.target_h + zone) % 24
    size = (0.9 + 0.6 * ((local > 9) & (local < 19))) * (1 + growth * panel.issued_lead_h / 24)
    told = panel.target + rng.choice([-2.0, 2.0], len(panel)) * size
    made_up = replace(panel, issued={"temperature_c": told.astype(np.float32)})
    midnight = panel.origin_h[panel.origin] % 24 == 0
    refuse_observed(made_up.rows(midnight & (panel.horizon <= 24)))
    if refused:
        with pytest.raises(DataTestFailed, match="err no more"):
            refuse_observed(made_up)
    else:
        refuse_observed(made_up)


def test_how_and_when_dbt_built_them_is_no_news_and_another_forecast_is(own_source, made):
    def fingerprint() -> dict[str, dict[str, object]]:
        return mart_fingerprint(own_source.settings, "weather", made.now)

    def change(sql: str) -> int:
        with connect(own_source.settings) as con:
            ((n_rows,),) = con.execute(sql).fetchall()
        return n_rows

    before = fingerprint()
    assert before["fct_issued_forecasts"]["rows"] > 100
    assert change("update marts.fct_issued_forecasts set built_from_seq = built_from_seq + 1") > 100
    assert change("update marts.fct_origin_features set built_from_seq = built_from_seq + 1") > 100
    assert fingerprint() == before, "a full refresh"
    own = "select * replace (origin_at + interval 1 hour as origin_at) from marts.fct_issued_forecasts"
    last = f"(select max(origin_at) - interval 1 day from marts.fct_issued_forecasts where {ON_GRID})"
    assert change(f"insert into marts.fct_issued_forecasts {own} where origin_at = {last}") > 0
    assert fingerprint() == before, "a run at an hour of its own"
    assert change(f"update marts.fct_issued_forecasts set issued = lead where origin_at = {last}") > 0
    assert fingerprint() != before
