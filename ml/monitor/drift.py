"""Data drift: how far the newest values lie from those of the season, judged by how far they lay before.

The distance is Evidently's `wasserstein`: the first Wasserstein distance over the standard deviation of the reference.
Hours follow one another, so a test that takes them as independent would find drift every day. Here the distance of the
newest window is compared with the distances that windows of the same length had from their own references before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from ml.forecaster import Floats
from ml.monitor.params import DriftParams
from warehouse.errors import BadInput

YEAR_H = 8_766
LEAST_SHARE = 0.5  # of a window's hours that must be known
MOST_PAST = 150  # of the newest, spread evenly
STEP_H = 24
LEAST_SCORE = 1e-6
Kind = Literal["season", "weeks before"]
# the first reference with so many windows before to compare with, counted as if they did not overlap
LEAST_PAST: dict[Kind, int] = {"season": 20, "weeks before": 6}
# The values; their logarithms, which tell a unit where nothing lies below zero; their steps from hour to hour, which
# tell of spread and of standing still. With each its share of the false discovery rate: differences have heavy tails.
ASPECTS = {"level": 1.0, "scale": 1.0, "change": 0.2}
CHANGE_WINDOWS_H = (24, 48)  # what breaks the steps breaks them at once: one daily cycle, and two
BELOW_ZERO = 0.01  # share of values at most that a scale may have below zero
LEAST_OF_SCALE = 0.05  # of the median, added before the logarithm


@dataclass(frozen=True)
class Past:
    """Logarithms of the scores of earlier windows, as Student's t for one more value of the sample."""

    mean: float
    scale: float
    freedom: float

    @classmethod
    def of(cls, scores: Floats, independent: float) -> Past:
        """`independent`: how many of them do not overlap."""
        logs = np.log(np.maximum(scores, LEAST_SCORE))
        scale = float(np.std(logs, ddof=1)) * float(np.sqrt(1 + 1 / independent))
        return cls(float(np.mean(logs)), max(scale, 1e-6), independent - 1)

    def p_value(self, score: float) -> float:
        """P(a score at least this large)."""
        return float(stats.t.sf((np.log(max(score, LEAST_SCORE)) - self.mean) / self.scale, self.freedom))

    def score_at(self, p_value: float) -> float:
        return float(np.exp(self.mean + self.scale * stats.t.isf(p_value, self.freedom)))


@dataclass(frozen=True)
class Judged:
    """One column's newest window against its reference. Positions in hours from the first value."""

    aspect: str
    window_h: int
    kind: Kind
    n_current: int
    n_reference: int
    n_past: int
    score: float
    usual: float  # median score of the windows before
    p_value: float
    past: Past
    shift: float  # of the mean of the values, in standard deviations of the reference's
    ratio: float  # of the standard deviations, of the values or of their changes
    still: float  # share of the window's hours that repeat the hour before
    current: Floats
    reference: Floats


DEFAULTS = DriftParams()


def judge(values: Floats, window_h: int, aspect: str = "level", params: DriftParams = DEFAULTS) -> Judged | str:
    """The newest `window_h` of hourly values (n,), NaN where unknown; or why they cannot be judged."""
    changes = np.diff(values, prepend=np.nan)
    seen = {"level": values, "change": changes}.get(aspect)
    seen = _logarithms(values) if seen is None else seen
    if seen is None:
        return "values below zero have no scale"
    end = len(seen)
    why_not = "too few hours known"
    for kind, needed in LEAST_PAST.items():
        pair, level = _pair(seen, end, window_h, kind, params), _pair(values, end, window_h, kind, params)
        if pair is None or level is None:
            continue
        ends = np.arange(end - window_h, window_h - 1, -STEP_H)
        step = -(-len(ends) // MOST_PAST)
        pairs = (_pair(seen, int(before), window_h, kind, params) for before in ends[::step])
        scores = np.array([distance(*earlier) for earlier in pairs if earlier is not None])
        independent = len(scores) * min(1.0, step * STEP_H / window_h)
        if independent < needed:
            why_not = f"{independent:.0f} earlier windows to compare with, {needed} needed"
            continue
        reference, current = pair
        score, last = distance(reference, current), _known(changes[end - window_h :])
        past = Past.of(scores, independent)
        return Judged(
            aspect=aspect,
            window_h=window_h,
            kind=kind,
            n_current=len(current),
            n_reference=len(reference),
            n_past=len(scores),
            score=score,
            usual=float(np.median(scores)),
            p_value=past.p_value(score),
            past=past,
            shift=float(level[1].mean() - level[0].mean()) / max(float(np.std(level[0])), 1e-9),
            ratio=float(np.std(current)) / max(float(np.std(reference)), 1e-9),
            still=float(np.mean(last == 0)) if len(last) else 0.0,
            current=current,
            reference=reference,
        )
    return why_not


def _logarithms(values: Floats) -> Floats | None:
    known = _known(values)
    if not len(known) or np.mean(known < 0) > BELOW_ZERO or (middle := float(np.median(known))) <= 0:
        return None
    return np.asarray(np.log(np.maximum(values, 0) + LEAST_OF_SCALE * middle))


def distance(reference: Floats, current: Floats) -> float:
    """Evidently's normed Wasserstein distance. Raises BadInput where there is no reference, or it is the window."""
    if len(reference) == 0 or np.shares_memory(reference, current):
        seen = "is empty" if len(reference) == 0 else "is the window itself"
        raise BadInput(f"the reference of drift {seen}: see the block `drift` of params.yaml")
    return float(stats.wasserstein_distance(reference, current) / max(float(np.std(reference)), 1e-3))


def _pair(values: Floats, end: int, window_h: int, kind: Kind, params: DriftParams) -> tuple[Floats, Floats] | None:
    """(reference, current) of the window that ends at `end`; the reference holds none of its hours."""
    start = end - window_h
    if start < 0:
        return None
    current = _known(values[start:end])
    if len(current) < LEAST_SHARE * window_h:
        return None
    if kind == "weeks before":
        before_h = params.before_days * 24
        before = _known(values[max(0, start - before_h) : start])
        return (before, current) if len(before) >= LEAST_SHARE * before_h else None
    half = params.season_days * 12
    years = [start + window_h // 2 - k * YEAR_H for k in range(1, end // YEAR_H + 2)]
    pieces = [_known(values[max(0, at - half) : max(0, at + half)]) for at in years]
    seasonal = [piece for piece in pieces if len(piece) >= LEAST_SHARE * 2 * half]
    return (np.concatenate(seasonal), current) if seasonal else None


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]
