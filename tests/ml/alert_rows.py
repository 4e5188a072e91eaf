"""Alert rows made in Python: temperatures of a few places, an event where the next day's maximum is high."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.alerts.dataset import COUNTS, AlertRows
from ml.alerts.params import AlertParams
from ml.dataset import HOUR
from warehouse.alert_rules import AlertRule

RULE = AlertRule("hot", "weather", "temperature_c", "above", 25.0, "max", 24, 1, 1.0, 5.0, "°C", "hot", "rest")
START_H = 438_288  # 2020-01-01, in hours since 1970
SMALL = AlertParams(n_trees=30, max_rows=2_000, min_data_in_leaf=20, report_refit_days=30, draws=100)


def temperatures(seed: int, days: int) -> np.ndarray:
    """Hourly: a daily course on slow weather of several days, so that yesterday tells something of tomorrow."""
    rng = np.random.default_rng(seed)
    slow = np.repeat(rng.normal(size=days // 4 + 2), 96)[: days * 24 + 48]
    slow = np.convolve(slow, np.ones(48) / 48, mode="same")[: days * 24]
    return 18 + 6 * slow + 4 * np.sin(2 * np.pi * (np.arange(days * 24) - 9) / 24) + rng.normal(0, 0.5, days * 24)


def alert_rows(*, places: tuple[str, ...] = ("A", "B", "C"), days: int = 300, rule: AlertRule = RULE) -> AlertRows:
    """Origins every six hours from the eighth day on, with counts as the mart would hold them."""
    parts = [_of_place(code, temperatures(code, days), rule) for code in range(len(places))]
    series = pd.DataFrame(
        {
            "series_id": [f"weather.{place}.temperature_c" for place in places],
            "place_id": list(places),
            "latitude": 45.0,
        }
    )
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    label = whole["label"]
    counts = {name: (np.full(len(label), 400.0), np.full(len(label), 60.0)) for name in COUNTS}
    return AlertRows(
        rule=rule,
        event_hash="e",
        series=series,
        code=whole["code"].astype(np.int64),
        origin_h=whole["origin_h"].astype(np.int64),
        local_hour=((whole["origin_h"] + rule.lead_h) % 24).astype(np.int64),
        local_weekday=((whole["origin_h"] // 24 + 3) % 7).astype(np.int64),
        stats={name: whole[name] for name in whole if name not in ("code", "origin_h", "history", "label")},
        history=whole["history"],
        counts=counts,
        beside={},
        label=label,
        known_at=((whole["origin_h"] + rule.lead_h + rule.window_h) * HOUR).astype(np.int64),
    )


def _of_place(code: int, values: np.ndarray, rule: AlertRule) -> dict[str, np.ndarray]:
    at = np.arange(8 * 24, len(values) - rule.lead_h - rule.window_h, 6)
    history = np.stack([values[at - lag] for lag in range(72)], axis=1)
    ahead = np.stack([values[at + rule.lead_h + hour] for hour in range(rule.window_h)], axis=1)
    reduced = {"max": ahead.max(axis=1), "min": ahead.min(axis=1), "mean": ahead.mean(axis=1)}[rule.statistic]
    beyond = reduced > rule.threshold if rule.direction == "above" else reduced < rule.threshold
    week = np.stack([values[at - lag] for lag in range(168)], axis=1)
    means = {f"mean_{hours}": week[:, :hours].mean(axis=1) for hours in (3, 6, 12, 24, 72, 168)}
    return means | {
        "code": np.full(len(at), code),
        "origin_h": START_H + at,
        "history": history,
        "label": beyond.astype(float),
        "mean_672": means["mean_168"],
        "last_value": history[:, 0],
        "staleness_h": np.zeros(len(at)),
        "n_known_24": np.full(len(at), 24.0),
        "n_known_168": np.full(len(at), 168.0),
        "std_24": history[:, :24].std(axis=1),
        "min_24": history[:, :24].min(axis=1),
        "max_24": history[:, :24].max(axis=1),
        "persisted": {"max": week[:, :24].max(axis=1), "min": week[:, :24].min(axis=1)}.get(
            rule.statistic, week[:, :24].mean(axis=1)
        ),
    }
