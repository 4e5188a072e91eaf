"""What is said of private places, said with their pseudonyms: logs, errors, and what the loader tells."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from warehouse.catalog import PLACE_COLUMNS, PLACES, PUBLIC, SERIES, load_catalog
from warehouse.errors import BadInput, SkyduckError
from warehouse.privacy import coordinates_of, pattern_of, pseudonym, recorded, words_of
from warehouse.settings import Settings

WITHOUT_KEY = "a-private-place"


@dataclass(frozen=True)
class Mask:
    """Replaces in a text all that must not be read of private places. shown: word -> what is read instead."""

    shown: Mapping[str, str]

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        by_shown: dict[str, list[str]] = {}
        for word, shown in self.shown.items():
            by_shown.setdefault(shown, []).append(word)
        return [(re.compile(pattern_of(words)), rf"\g<1>{shown}\g<2>") for shown, words in by_shown.items()]

    def text(self, text: str) -> str:
        for pattern, shown in self._patterns:
            text = pattern.sub(shown, pattern.sub(shown, text))  # of two words in a row the first takes the gap
        return text

    @contextmanager
    def errors(self) -> Iterator[None]:
        """An error for the user that leaves the block says it with the pseudonym."""
        try:
            yield
        except SkyduckError as error:
            if (said := self.text(str(error))) == str(error):
                raise
            raise type(error)(said) from None


def mask_of(settings: Settings, *, with_record: bool = True) -> Mask:
    """For logs and errors, which are written in any state: a mistake in a seed hides too much, a missing key all.

    `with_record`: also what the warehouse keeps of places that left the seeds, where it can be read.
    """
    try:
        catalog = load_catalog(settings.seeds_dir)
        words = {place.place_id: words_of(place, catalog) for place in catalog.places.values() if place.is_private}
        public = catalog.places.keys() - words.keys()
    except BadInput:
        words, public = _perhaps_private(settings.seeds_dir), set()
    key, shown = settings.pseudonym_key, dict[str, str]()
    with suppress(SkyduckError, duckdb.Error):
        for place_id, each in recorded(settings).items() if with_record else ():
            if place_id not in public:
                shown |= dict.fromkeys(each.words, pseudonym(key, place_id) if key else each.shown_id)
    for place_id, these in words.items():
        shown |= dict.fromkeys(these, pseudonym(key, place_id) if key else WITHOUT_KEY)
    return Mask(shown)


def _perhaps_private(seeds_dir: Path) -> dict[str, list[str]]:
    """place_id -> words of every line of places.csv that does not say that its place is public; none is too broken."""
    columns, lines = PLACE_COLUMNS.split(","), _lines(seeds_dir / PLACES)
    if lines[:1] == [columns]:
        return {}
    found: dict[str, list[str]] = {}
    for line in lines[1 if lines and lines[0][0] == columns[0] else 0 :]:
        if line[len(columns) :] != [PUBLIC]:
            subjects = [text for row in _lines(seeds_dir / SERIES) if line[0] in row[1:2] for text in row[3:]]
            degrees = []
            for text in line[2:]:
                with suppress(ValueError):
                    degrees.append(float(text))
            found[line[0]] = [word for word in (*line[:2], *subjects, *coordinates_of(*degrees)) if word.strip()]
    return found


def _lines(path: Path) -> list[list[str]]:
    try:
        return [row for row in csv.reader(path.read_text("utf-8-sig", "replace").splitlines()) if row]
    except (OSError, csv.Error):
        return []
