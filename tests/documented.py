"""The copy-paste commands of a page below docs/."""

from __future__ import annotations

import re

from warehouse.settings import ROOT


def section(page: str, title: str) -> str:
    """What stands under a heading, up to the next of its kind."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def blocks(page: str, title: str, language: str) -> list[str]:
    """The blocks of that language below the heading, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(page, title), re.MULTILINE | re.DOTALL)


def commands(page: str, title: str) -> list[list[str]]:
    """The lines of each block of shell; none is empty."""
    return [[line for line in block.splitlines() if line.strip()] for block in blocks(page, title, "sh")]
