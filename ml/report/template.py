"""The frame that every report shares, and what fills it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jinja2

from ml.report.svg import Chart


@dataclass(frozen=True)
class Section:
    title: str
    charts: list[Chart]
    text: str = ""


def filled(name: str, **values: object) -> str:
    """A template of this folder with its values, everything but drawings escaped. A value it lacks is an error."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.filters["moment"] = lambda at: f"{at:%Y-%m-%d %H:%M}"
    env.filters["count"] = lambda n: f"{n:,}"
    return env.get_template(name).render(**values)
