"""Beside what one would write instead: loading (pandas, dlt), then forecasting (mlforecast)."""

from __future__ import annotations

from bench import forecasting, loading


def main(quick: bool = False) -> None:
    loading.main(quick)
    forecasting.main(quick)
