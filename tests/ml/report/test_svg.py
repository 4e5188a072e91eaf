"""A drawing inside a page."""

from __future__ import annotations

from xml.etree import ElementTree

import matplotlib as mpl

from ml.report.svg import chart, figure


def drawn(alt: str = "rises") -> str:
    with figure(3, 2) as (drawing, (axes,)):
        axes.plot([0, 1], [0, 1], "o-", label="a $b$ <c>")
        axes.legend()
        return chart(drawing, "t", alt=alt).svg


def test_it_is_well_formed_names_no_address_and_says_what_it_shows():
    text = drawn(alt='5 % below "1" & <more>')
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == '5 % below "1" & <more>'
    assert "http" not in text
    assert "<style" not in text
    assert "a $b$ &lt;c&gt;" in text  # text, not outlines; and no formula


def test_the_same_figure_is_the_same_bytes_and_leaves_no_setting_behind():
    before = dict(mpl.rcParams)
    assert drawn() == drawn()
    assert dict(mpl.rcParams) == before


def test_whatever_is_referred_to_is_there():
    import re

    text = drawn()
    known = set(re.findall(r'\bid="([^"]+)"', text))
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert used
    assert used <= known
