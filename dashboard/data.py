"""What a page asks of the published copy: one open copy a server, each answer kept as long as it is the newest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard import words
from warehouse.reader import Publication, Reader
from warehouse.reads.board import today
from warehouse.settings import Settings, load_settings

Question = Callable[..., pa.Table]
Edition = tuple[str, datetime]
Row = dict[str, Any]


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    return load_settings()


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    return Reader(settings())


def edition() -> Edition:
    """(run_id, published_at) of the newest publication. Raises BadInput while nothing is published."""
    with reader().publication() as newest:
        return newest.run_id, newest.published_at


def daily_at() -> datetime | None:
    """When a daily run last published; other publications forecast nothing."""
    with reader().publication() as newest:
        return newest.daily_at


def ask(question: Question, *values: Any) -> pd.DataFrame:
    """The newest publication's answer; without columns where it lacks the mart."""
    with reader().publication() as newest:
        name = f"{question.__module__}.{question.__qualname__}"
        return _answer((newest.run_id, newest.published_at), name, values, _question=question, _publication=newest)


@st.cache_data(max_entries=500, show_spinner=False)
def _answer(
    edition: Edition, name: str, values: tuple[Any, ...], *, _question: Question, _publication: Publication
) -> pd.DataFrame:
    found: pd.DataFrame = _question(_publication, *values).to_pandas()
    return found


def records(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def series() -> pd.DataFrame:
    return ask(today.series)


def labels() -> dict[str, str]:
    """What a person calls each series."""
    return {row["series_id"]: words.series(row) for row in records(series())}


def unit(dataset: str) -> str:
    found = series()
    return words.unit(str(found.loc[found["dataset"] == dataset, "unit"].iloc[0]))


def datasets() -> list[str]:
    found = series()
    return [] if found.empty else sorted(found["dataset"].unique())
