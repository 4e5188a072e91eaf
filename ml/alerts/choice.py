"""Which method answers for a rule: by scores on windows that none of them learnt from."""

from __future__ import annotations

import numpy as np

from ml.alerts import scores
from ml.alerts.dataset import Floats
from ml.alerts.params import AlertParams

LEAST_TO_CHOOSE = 5  # events without which the selection windows cannot tell methods apart


def selection_scores(
    told: dict[str, Floats], label: Floats, climate: Floats, act_from: float, params: AlertParams
) -> dict[str, dict[str, float]]:
    """Per method with an answer for enough of the rows; the few that lack one take climatology's, `climate`."""
    found = {}
    for name, p in told.items():
        share = float(np.isfinite(p).mean()) if len(p) else 0.0
        if share >= params.min_forecast_share:
            whole = np.where(np.isfinite(p), p, climate)
            found[name] = scores.headline(whole, label, climate, act_from)
    return found


Lines = dict[str, dict[str, float]]


def choose(
    selection: Lines, pooled: Lines | None, n_events: int, has_forecast: bool, refusal: str | None, params: AlertParams
) -> tuple[str, str]:
    """(method, why). Among the calibrated the lowest Brier score on the selection windows.

    `pooled`: scores over these windows and the folds before them, where the windows alone saw too few event days; the
    forecast, which has no such folds, must then beat the winner on the windows. Without events to judge by it answers.
    """
    prefix = f"{refusal}; " if refusal else ""
    if pooled:
        best, said = _lowest(pooled, "held-out folds and the selection windows", params)
        forecast = selection.get("forecast")
        is_judged = best in selection and n_events >= LEAST_TO_CHOOSE
        if (
            forecast
            and is_judged
            and forecast["ece"] <= params.max_ece
            and forecast["brier"] < selection[best]["brier"]
        ):
            return _lowest({"forecast": forecast}, "the selection windows", params)
        return best, said
    if n_events < LEAST_TO_CHOOSE:
        said = f"{prefix}{n_events} events in the selection windows, too few to compare by"
        if has_forecast:
            return "forecast", f"{said}: the forecast's quantiles answer"
        return "climatology", f"{said}: climatology answers"
    best, said = _lowest(selection, "the selection windows", params)
    return best, prefix + said


def _lowest(lines: Lines, where: str, params: AlertParams) -> tuple[str, str]:
    honest = {name: line for name, line in lines.items() if line["ece"] <= params.max_ece}
    among = honest or lines
    best = min(among, key=lambda name: (among[name]["brier"], name))
    line = among[best]
    said = f"Brier {line['brier']:.4f} on {where}, {line['brier_skill']:.0%} below climatology, ECE {line['ece']:.3f}"
    if not honest:
        said += f"; no method is calibrated to {params.max_ece:g}"
    elif len(honest) < len(lines):
        said += f"; less calibrated than {params.max_ece:g}: {', '.join(sorted(set(lines) - set(honest)))}"
    return best, said
