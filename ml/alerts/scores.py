"""How good probabilities are, and what they are worth to somebody who acts on them.

Relative economic value (Richardson 2000, Q. J. R. Meteorol. Soc. 126, 649-667): a user pays C to act and loses L when
an event comes unprepared. In units of L, with a = C / L, base rate s, and hits h, misses m and false alarms f as shares
of all rows, the expense is E = a (h + f) + m; that of climate E_c = min(a, s), of perfect foresight E_p = a s.
V = (E_c - E) / (E_c - E_p): 1 is perfect foresight, 0 always or never acting, whichever is cheaper.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.alerts.dataset import Floats, Ints

BINS = 10
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LIFT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def brier(p: Floats, label: Floats) -> float:
    """Mean squared error of the probability (Brier 1950)."""
    return float(np.mean((p - label) ** 2)) if len(p) else float("nan")


def average_precision(p: Floats, label: Floats) -> float:
    """Sum over thresholds of (recall gained) x precision; ties enter together. NaN without events."""
    if not label.sum():
        return float("nan")
    order = np.argsort(-p, kind="stable")
    last_of_tie = np.r_[np.diff(p[order]) != 0, True]
    hits = np.cumsum(label[order])[last_of_tie]
    asked = np.arange(1, len(p) + 1)[last_of_tie]
    return float(np.sum(np.diff(np.r_[0.0, hits]) / label.sum() * hits / asked))


def auc(p: Floats, label: Floats) -> float:
    """Chance that an event has a higher value than a non-event, ties counting half. NaN without both kinds."""
    n_events = label.sum()
    n_others = len(label) - n_events
    if not n_events or not n_others:
        return float("nan")
    _, back, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[back]
    return float((rank[label == 1].sum() - n_events * (n_events + 1) / 2) / (n_events * n_others))


def auc_within(values: Floats, label: Floats, group: Ints) -> float:
    """The same chance for an event and a non-event of one group: what tells groups apart counts for nothing."""
    right, pairs = 0.0, 0.0
    for number in np.unique(group):
        mine = group == number
        n = float(label[mine].sum() * (1 - label[mine]).sum())
        if n:
            right, pairs = right + n * auc(values[mine], label[mine]), pairs + n
    return right / pairs if pairs else float("nan")


def reliability(p: Floats, label: Floats) -> list[dict[str, float]]:
    """Ten bins of equal width: rows, mean probability, share of events."""
    at = np.minimum((p * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        mine = at == number
        told, came = (float(np.mean(x[mine])) if mine.any() else float("nan") for x in (p, label))
        found.append(
            {"from": number / BINS, "to": (number + 1) / BINS, "n": int(mine.sum()), "told": told, "came": came}
        )
    return found


def expected_calibration_error(p: Floats, label: Floats) -> float:
    """Mean |told - came| over the bins of `reliability`, each weighted by its rows (Naeini et al. 2015)."""
    bins = [line for line in reliability(p, label) if line["n"]]
    return sum(line["n"] * abs(line["told"] - line["came"]) for line in bins) / max(len(p), 1)


def confusion(p: Floats, label: Floats, act_from: float) -> dict[str, int]:
    """Counts where one acts from this probability on."""
    acts = p >= act_from
    event = label == 1
    return {
        "hits": int((acts & event).sum()),
        "false_alarms": int((acts & ~event).sum()),
        "misses": int((~acts & event).sum()),
        "quiet": int((~acts & ~event).sum()),
    }


def value(p: Floats, label: Floats, ratio: float, act_from: float | None = None) -> float:
    """Relative economic value of acting where p >= act_from (default: the ratio itself). NaN if nothing can be won."""
    n = max(len(p), 1)
    counts = confusion(p, label, ratio if act_from is None else act_from)
    base = float(label.mean()) if len(label) else 0.0
    expense = ratio * (counts["hits"] + counts["false_alarms"]) / n + counts["misses"] / n
    climate, perfect = min(ratio, base), ratio * base
    return (climate - expense) / (climate - perfect) if climate > perfect else float("nan")


def value_curve(p: Floats, label: Floats) -> list[dict[str, float]]:
    """Relative economic value to users of other cost / loss ratios, each acting from their own on."""
    return [{"ratio": ratio, "value": value(p, label, ratio)} for ratio in RATIOS]


def lift(p: Floats, label: Floats) -> list[dict[str, float]]:
    """Of the most probable share of rows: share of all events in it, and how many times the base rate that is."""
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(label[order])
    total = label.sum()
    found = []
    for share in LIFT_SHARES:
        n = max(1, round(share * len(p)))
        caught = float(hits[n - 1] / total) if total else float("nan")
        found.append({"share": share, "caught": caught, "lift": caught * len(p) / n})
    return found


def headline(p: Floats, label: Floats, climate: Floats, act_from: float) -> dict[str, float]:
    """The figures of one method over its rows; skill is against climatology on the same rows."""
    base = brier(climate, label)
    told = brier(p, label)
    return {
        "n_rows": len(p),
        "n_events": int(label.sum()),
        "average_precision": average_precision(p, label),
        "brier": told,
        "brier_climatology": base,
        "brier_skill": 1 - told / base if base else float("nan"),
        "ece": expected_calibration_error(p, label),
        "value": value(p, label, act_from),
    }


def details(p: Floats, label: Floats, act_from: float) -> dict[str, Any]:
    """What a report draws: reliability, lift, confusion at the cost-optimal threshold."""
    return {
        "reliability": reliability(p, label),
        "lift": lift(p, label),
        "confusion": {"act_from": act_from, **confusion(p, label, act_from)},
    }
