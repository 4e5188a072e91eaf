"""What a classifier has to beat: how often it happens at this time of year, and that things stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.alerts.dataset import AlertRows, Floats, Ints

PRIOR = 40.0  # outcomes that the wider frequency counts for; neighbouring ones share hours, hence so many


def climatology(rows: AlertRows) -> Floats:
    """Event frequency of the same month and quarter of the day, from outcomes known at the origin only.

    Shrunk towards the frequency of the series so far, and that towards the frequency of all series of the rule:
    (events + PRIOR x wider frequency) / (outcomes + PRIOR).
    """
    n_all, events_all = rows.counts["everywhere"]
    wide = (events_all + 0.5) / (n_all + 1.0 / 0.05)  # before anything is known: rare
    told = wide
    for name in ("past", "season"):
        n, events = rows.counts[name]
        told = (events + PRIOR * told) / (n + PRIOR)
    return np.asarray(told, np.float64)


def state(rows: AlertRows) -> Ints:
    """0: the last window was no event, 1: it was, 2: nobody knows."""
    margin = (rows.stats["persisted"] - rows.rule.threshold) * rows.sign
    return np.where(np.isfinite(margin), (margin > 0).astype(np.int64), 2)


@dataclass(frozen=True)
class Persistence:
    """How often an event follows an event, and how often it follows none."""

    after: tuple[float, float, float]  # by state

    @classmethod
    def fit(cls, rows: AlertRows, prior: float) -> Persistence:
        """Frequencies by state over labelled rows, shrunk towards the overall one."""
        known = rows.at(rows.labelled)
        overall = (known.n_events + 0.5) / (len(known) + 10.0)
        now = state(known)
        found = [
            (float(known.label[now == s].sum()) + prior * overall) / (float((now == s).sum()) + prior) for s in range(3)
        ]
        return cls((found[0], found[1], found[2]))

    def predict(self, rows: AlertRows) -> Floats:
        return np.array(self.after)[state(rows)]

    def card(self) -> list[float]:
        return [round(p, 8) for p in self.after]

    @classmethod
    def restored(cls, card: Any) -> Persistence:
        first, second, third = (float(p) for p in card)
        return cls((first, second, third))
