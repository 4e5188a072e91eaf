"""Probabilities made honest on rows the classifier was not trained on: none, sigmoid, or isotonic.

Sigmoid: logistic regression on the log-odds (Platt 1999). Isotonic: the best rising step function, by pooling adjacent
violators (Zadrozny & Elkan 2002), told between the centres of its steps by straight lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.alerts.dataset import Floats

KINDS = ("none", "sigmoid", "isotonic")
EDGE = 1e-4
MOST_WEIGHT = 4


def log_odds(p: Floats) -> Floats:
    p = np.clip(p, EDGE, 1 - EDGE)
    return np.log(p / (1 - p))


@dataclass(frozen=True)
class Calibrator:
    """`knots` of isotonic: probabilities told and meant; `line` of sigmoid: intercept and slope on the log-odds."""

    kind: str = "none"
    line: tuple[float, float] = (0.0, 1.0)
    knots: tuple[tuple[float, float], ...] = ()

    def apply(self, p: Floats) -> Floats:
        if self.kind == "sigmoid":
            told = 1 / (1 + np.exp(-(self.line[0] + self.line[1] * log_odds(p))))
        elif self.kind == "isotonic":
            x, y = np.array(self.knots).T
            told = np.interp(p, x, y)
        else:
            told = p
        return np.where(np.isfinite(p), np.clip(told, EDGE, 1 - EDGE), np.nan)

    def card(self) -> dict[str, Any]:
        knots = [[round(x, 8), round(y, 8)] for x, y in self.knots]
        return {"kind": self.kind, "line": [round(value, 8) for value in self.line], "knots": knots}

    @classmethod
    def restored(cls, card: dict[str, Any]) -> Calibrator:
        if card["kind"] not in KINDS or (card["kind"] == "isotonic" and not card["knots"]):
            raise ValueError(f"no calibration of kind {card['kind']!r}")
        line = tuple(float(value) for value in card["line"])
        return cls(card["kind"], (line[0], line[1]), tuple((float(x), float(y)) for x, y in card["knots"]))


@dataclass(frozen=True)
class HeldOut:
    """Probabilities of rows that were not learnt from, with what came; `is_later`: told forward in time, as in use."""

    p: Floats
    label: Floats
    is_later: NDArray[np.bool_]

    @classmethod
    def none(cls) -> HeldOut:
        return cls(np.empty(0), np.empty(0), np.empty(0, np.bool_))

    def plus(self, p: Floats, label: Floats, *, is_later: bool) -> HeldOut:
        later = np.r_[self.is_later, np.full(len(p), is_later)]
        return HeldOut(np.r_[self.p, p], np.r_[self.label, label], later)

    def fit(self, kind: str) -> Calibrator:
        """Rows told forward in time weigh as much together as the rest: they are the real thing, and newer."""
        n_later = int(self.is_later.sum())
        extra = round((len(self.p) - n_later) / n_later) - 1 if n_later else 0
        again = np.tile(np.flatnonzero(self.is_later), min(max(extra, 0), MOST_WEIGHT - 1))
        return fit(kind, np.r_[self.p, self.p[again]], np.r_[self.label, self.label[again]])


def fit(kind: str, p: Floats, label: Floats) -> Calibrator:
    """Learnt from probabilities of held-out rows; without both kinds of rows nothing is changed."""
    known = np.isfinite(p) & np.isfinite(label)
    p, label = p[known], label[known]
    if kind == "none" or len(np.unique(label)) < 2:
        return Calibrator()
    return Calibrator("sigmoid", line=_logistic(p, label)) if kind == "sigmoid" else _isotonic(p, label)


def _logistic(p: Floats, label: Floats) -> tuple[float, float]:
    """Newton's method with a slight pull towards (0, 1), so that separable rows stay finite."""
    x = np.column_stack([np.ones(len(p)), log_odds(p)])
    start = np.array([0.0, 1.0])
    w = start.copy()
    for _ in range(25):
        told = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = x.T @ (told - label) + (w - start)
        curve = (x * (told * (1 - told))[:, None]).T @ x + np.eye(2)
        step = np.linalg.solve(curve, slope)
        w = w - step
        if np.abs(step).max() < 1e-8:
            break
    return float(w[0]), float(max(w[1], 0.0))


def _isotonic(p: Floats, label: Floats) -> Calibrator:
    told, of = np.unique(p, return_inverse=True)  # rows of equal probability are one step from the start
    events_at, rows_at = np.bincount(of, label), np.bincount(of)
    blocks: list[list[float]] = []  # events, rows, sum of p
    for x, events, n in zip(told, events_at, rows_at, strict=True):
        blocks.append([float(events), float(n), float(x * n)])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    overall = float(label.mean())
    # a step of few rows is no certainty: two rows of the overall frequency join each
    knots = [(total / n, (events + 2 * overall) / (n + 2)) for events, n, total in blocks]
    rising = np.maximum.accumulate([y for _, y in knots])
    return Calibrator("isotonic", knots=tuple((x, float(y)) for (x, _), y in zip(knots, rising, strict=True)))
