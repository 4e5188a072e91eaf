from __future__ import annotations

import time
from datetime import datetime

import numpy as np
import orjson
import pytest

from sample import energy_charts, open_meteo
from sample.air import air, haze
from sample.countries import COUNTRIES
from sample.generated import Generated, sky_chunk, truth
from sample.generated_grid import _hourly
from sample.generated_regions import REGIONS
from sample.noise import drift
from sample.weather import weather

START = 20_000 * 24  # an hour that begins a day
YEARS = 2 * 365 * 24
LONDON, SINGAPORE, SYDNEY, ROME = (51.5, -0.1), (1.35, 103.8), (-33.9, 151.2), (41.9, 12.5)
NOW = datetime(2026, 11, 20, 6, 10)


@pytest.fixture(scope="module")
def skies():
    return {at: weather(1, at, START, START + YEARS) for at in (LONDON, SINGAPORE, SYDNEY, ROME)}


def month_mean(values: np.ndarray, month: int) -> float:
    stamps = np.arange(START, START + len(values)).astype("datetime64[h]")
    return float(values[stamps.astype("datetime64[M]").astype(int) % 12 == month - 1].mean())


def test_summer_is_warm_and_on_the_other_half_of_the_earth_in_january(skies):
    north, south, equator = (skies[at].temperature_c for at in (LONDON, SYDNEY, SINGAPORE))
    assert month_mean(north, 7) - month_mean(north, 1) > 8
    assert month_mean(south, 1) - month_mean(south, 7) > 5
    assert abs(month_mean(equator, 7) - month_mean(equator, 1)) < 4
    assert 8 < north.mean() < 14
    assert 25 < equator.mean() < 31
    assert -30 < north.min() < north.max() < 45


def test_afternoons_are_warmer_and_drier_than_nights(skies):
    for at, sky in skies.items():
        by_hour = sky.temperature_c.reshape(-1, 24).mean(axis=0)
        local = (np.arange(24) + round(at[1] / 15)) % 24
        assert by_hour[local == 15] - by_hour[local == 4] > 2
        assert np.corrcoef(sky.temperature_c, sky.humidity_pct)[0, 1] < -0.1
        assert sky.sun_wm2[sky.sun_height == 0].max() == 0


def test_wind_thins_the_air_and_traffic_shows_in_nitrogen_dioxide(skies):
    sky = skies[LONDON]
    found = air(1, LONDON, START, START + YEARS, sky)
    assert np.corrcoef(np.log(sky.wind_kmh), np.log(found.pm2_5))[0, 1] < -0.25
    by_hour = found.nitrogen_dioxide.reshape(-1, 24).mean(axis=0)
    assert by_hour[8] > 1.2 * by_hour[3]


def test_neighbours_share_their_air_and_far_places_do_not():
    series = [np.log(truth(1, at, "pm2_5", START, START + 8000)) for at in [*REGIONS.values(), LONDON]]
    between = np.corrcoef(series)
    assert between[:5, :5].min() > 0.5
    assert between[:5, :5][~np.eye(5, dtype=bool)].max() < 0.97
    assert abs(between[5, :5]).max() < 0.4


def test_haze_comes_rarely_and_stays_for_days():
    smoke = haze(1, SINGAPORE, START, START + 5 * YEARS) > 0.4
    assert 0.003 < smoke.mean() < 0.2
    lengths = np.diff(np.flatnonzero(np.diff(smoke.astype(int)) != 0))[::2]
    assert np.median(lengths) > 12


def intensity(country: str) -> np.ndarray:
    fuels = {"Fossil gas": 490, "Fossil hard coal": 820, "Fossil brown coal / lignite": 820, "Biomass": 230}
    clean = {"Nuclear": 12, "Solar": 48, "Wind onshore": 11, "Wind offshore": 12, "Hydro Run-of-River": 24}
    factors = fuels | clean
    rows = _hourly(1, country, START, START + YEARS, sky_chunk, 2048)
    made = {kind: rows[kind] for kind in factors if kind in rows}
    return sum(factors[kind] * values for kind, values in made.items()) / sum(made.values())


def test_sun_and_wind_lower_a_grids_carbon():
    rows = _hourly(1, "de", START, START + YEARS, sky_chunk, 2048)
    carbon = intensity("de")
    renewable = rows["Solar"] + rows["Wind onshore"]
    assert np.corrcoef(renewable, carbon)[0, 1] < -0.7
    assert intensity("fr").mean() < 0.4 * carbon.mean()
    assert all(values.min() >= 0 for kind, values in rows.items() if "consumption" not in kind and "Cross" not in kind)


def test_load_follows_the_week_of_the_wall_clock():
    load = _hourly(1, "it", START, START + YEARS, sky_chunk, 2048)["Load"]
    days = load[: 24 * 7 * 100].reshape(-1, 7, 24).mean(axis=(0, 2))
    weekday = (20_000 + np.arange(7) + 3) % 7
    assert days[weekday == 6] < 0.95 * days[weekday < 5].mean()


def gain_over_naive(values: np.ndarray, *, log: bool = False) -> float:
    """Skill of a ridge regression (72 hourly lags, season, weekday; one per hour ahead) for 24 h from midnight."""
    bend, back = (np.log, np.exp) if log else (np.asarray, np.asarray)
    days = range(28, len(values) // 24 - 1)
    season = 2 * np.pi * np.arange(len(values) // 24) / 365.25
    inputs = np.array([
        np.concatenate([
            bend(values[24 * d - 71 : 24 * d + 1]),
            [bend(values[24 * d - 167 : 24 * d + 1]).mean(), np.sin(season[d]), np.cos(season[d])],
            np.eye(7)[d % 7],
        ])
        for d in days
    ])  # fmt: skip
    actual = np.array([values[24 * d + 1 : 24 * d + 25] for d in days])
    week = np.array(
        [np.mean([values[24 * (d - k) + 1 : 24 * (d - k) + 25] for k in range(1, 8)], axis=0) for d in days]
    )
    yesterday = np.array([values[24 * d - 23 : 24 * d + 1] for d in days])
    last = np.array([np.repeat(values[24 * d], 24) for d in days])
    cut = 500
    spread = inputs[:cut].std(axis=0) + 1e-9
    x = (inputs - inputs[:cut].mean(axis=0)) / spread
    mean = bend(actual[:cut]).mean(axis=0)
    weights = np.linalg.solve(x[:cut].T @ x[:cut] + 200 * np.eye(x.shape[1]), x[:cut].T @ (bend(actual[:cut]) - mean))
    error = np.abs(back(x[cut:] @ weights + mean) - actual[cut:]).mean()
    return 1 - error / min(np.abs(guess[cut:] - actual[cut:]).mean() for guess in (week, yesterday, last))


def test_a_model_can_beat_the_naive_methods_but_not_by_much(skies):
    gains = {
        "temperature": [gain_over_naive(skies[at].temperature_c) for at in (LONDON, ROME, SYDNEY)],
        "pm2_5": [gain_over_naive(truth(1, at, "pm2_5", START, START + YEARS), log=True) for at in (LONDON, SINGAPORE)],
        "carbon": [gain_over_naive(intensity(country)) for country in ("it", "de", "es")],
    }
    for name, found in gains.items():
        assert 0.05 < np.mean(found) < 0.4, (name, found)


def test_overlapping_windows_agree_to_the_last_bit():
    long = drift(3, "x", LONDON, 1000, 9000, tau=30, smooth=4)
    short = drift(3, "x", LONDON, 5000, 5100, tau=30, smooth=4)
    assert np.array_equal(long[4000:4100], short)


def test_400_days_of_eight_places_cost_less_than_a_second_of_cpu_and_a_month_of_power_less_than_50_ms():
    places = {
        "latitude": "1.4,51.5,41.9,45.5,38.1,52.5,48.9,40.4",
        "longitude": "103.8,-0.1,12.5,9.2,13.4,13.4,2.3,-3.7",
    }
    query = places | {"start_date": "2025-10-16", "end_date": "2026-11-20",
                      "hourly": "temperature_2m,relative_humidity_2m,cloud_cover,wind_speed_10m"}  # fmt: skip
    backend = Generated(seed=99)
    began = time.process_time()
    answer, _ = open_meteo.answer("archive", query, NOW, backend)
    assert time.process_time() - began < 1.0
    assert len(answer.body) > 1_000_000
    month = {"country": "de", "start": "2026-10-01", "end": "2026-10-31"}
    energy_charts.answer(month, NOW, backend)
    began = time.process_time()
    energy_charts.answer(month, NOW, backend)
    assert time.process_time() - began < 0.05


def test_now_and_then_a_sensor_is_stuck_or_says_something_impossible():
    backend = Generated(seed=1)
    query = {"start_date": "2025-10-16", "end_date": "2026-11-15", "timeformat": "unixtime"}
    spots = {"latitude": ",".join(f"{51 + n / 10:.1f}" for n in range(12)), "longitude": ",".join(["0"] * 12)}
    answer, _ = open_meteo.answer("air_quality", query | spots | {"hourly": "pm2_5"}, NOW, backend)

    series = [np.array(body["hourly"]["pm2_5"], dtype=float) for body in orjson.loads(answer.body)]
    everything = np.concatenate(series)
    assert 1 <= (everything > 1000).sum() <= 30
    assert 1 <= (everything < 0).sum() <= 60
    assert 0.0005 < np.isnan(everything).mean() < 0.02
    longest = [max(np.diff(np.flatnonzero(np.diff(one[~np.isnan(one)]) != 0)), default=0) for one in series]
    assert 1 <= sum(length >= 24 for length in longest) < 12


def test_every_country_balances_and_none_makes_nothing():
    for country in COUNTRIES:
        rows = _hourly(1, country, START, START + 2048, sky_chunk, 2048)
        made = sum(v for k, v in rows.items() if k not in ("Load", "Cross border electricity trading"))
        assert np.allclose(made + rows["Cross border electricity trading"], rows["Load"], rtol=1e-6), country
