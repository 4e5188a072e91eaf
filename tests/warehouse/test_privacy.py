"""Pseudonyms, masks, and what changes a name on record."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.warehouse.test_publish import MARTS
from warehouse.catalog import load_catalog
from warehouse.connection import connect
from warehouse.errors import BadInput, DataTestFailed
from warehouse.last_look import mask_copy
from warehouse.mask import Mask, mask_of
from warehouse.privacy import KEY, pseudonym, pseudonyms, settle
from warehouse.publish import publish
from warehouse.published import open_copy
from warehouse.settings import ROOT, Settings, load_settings

NOW = datetime(2026, 11, 20, 6, 10)
KEYS = "a" * 32, "b" * 32
HOME = "home-7,Ada's Cottage,GB,51.50743,-0.12784,Europe/London"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    seeds = Path(shutil.copytree(ROOT / "dbt_project" / "seeds", tmp_path / "seeds"))
    add(seeds, "places", f"{HOME},true")
    add(seeds, "series", "weather,home-7,files,meter-7")
    return load_settings(data_dir=tmp_path / "data", seeds_dir=seeds, pseudonym_key=KEYS[0])


def add(seeds: Path, name: str, line: str) -> None:
    with (seeds / f"{name}.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def shown(settings: Settings) -> str:
    return pseudonyms(settings, load_catalog(settings.seeds_dir))["home-7"]


def with_key(settings: Settings, key: str | None) -> Settings:
    return settings.model_copy(update={"pseudonym_key": SecretStr(key) if key else None})


def test_a_pseudonym_is_that_of_its_key_and_place_and_a_valid_place_id() -> None:
    made = {pseudonym(SecretStr(key), place) for key in KEYS for place in ("home", "plant")}
    assert len(made) == 4
    assert pseudonym(SecretStr("a" * 32), "home") == "p-" + "877c2af0c4feb7ce", "HMAC-SHA256, as anybody computes it"


def test_a_private_place_without_a_key_is_refused_before_anything_is_done(settings: Settings) -> None:
    with pytest.raises(BadInput, match=KEY) as refused:
        settle(with_key(settings, None), NOW)
    assert "home-7" not in str(refused.value)
    assert not settings.data_dir.exists()


def test_a_short_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"pseudonym_key: .* at least 32") as refused:
        load_settings(pseudonym_key="canary-short")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "X7,The house of home-7,GB,1,2,UTC,false",  # would read "The house of p-…"
        "home-7-shed,Shed,GB,1,2,UTC,false",
        "X7,X7,GB,1,2,UTC,true\nX7-b,X7-b,GB,1,2,UTC,true",
        "weather,Storm,GB,1,2,UTC,true",  # also a dataset
    ],
)
def test_a_private_name_that_stands_in_another_is_refused(settings: Settings, line: str) -> None:
    add(settings.seeds_dir, "places", line)
    with pytest.raises(BadInput, match="hides nothing") as refused:
        pseudonyms(settings, load_catalog(settings.seeds_dir))
    assert "home" not in str(refused.value)


def test_a_wrong_line_of_a_private_place_is_named_without_what_it_says(settings: Settings) -> None:
    add(settings.seeds_dir, "places", "plant,Plant,GB,95.1234,0,UTC,true")
    with pytest.raises(BadInput, match=r"places\.csv line 25: latitude is not as expected.* from -90 to 90") as refused:
        load_catalog(settings.seeds_dir)
    assert "95.1" not in str(refused.value)


@pytest.mark.parametrize(
    ("seed", "line", "said"),
    [
        ("series", "weather,DE,files,meter-7", r"series\.csv line 26: subject .* line 25 gives it to another place"),
        ("series", "weather,home-7,files,meter-8", r"series\.csv line 26: place_id .* line 25 has the same"),
        ("series", "air,home-7,Meters,meter-7", r"series\.csv line 26: source .* to match"),
        ("series", "air,hom-7,files,meter-7", r"series\.csv line 26: place_id .* a place_id of places\.csv"),
        ("places", f"{HOME},false", r"places\.csv line 25: place_id .* line 24 has the same"),
        ("places", HOME.replace("home-7", "home 7") + ",True", r"places\.csv line 25: place_id .* to match"),
    ],
)
def test_a_mistake_beside_a_private_place_is_named_without_what_is_said_of_it(
    settings: Settings, seed: str, line: str, said: str
) -> None:
    add(settings.seeds_dir, seed, line)
    with pytest.raises(BadInput, match=said) as refused:
        load_catalog(settings.seeds_dir)
    assert not re.search("home|hom-7|Ada|meter|Meters|51.5|0.12", str(refused.value))


def test_where_the_header_is_missing_the_first_line_is_not_shown(settings: Settings) -> None:
    (settings.seeds_dir / "places.csv").write_text(f"{HOME},true\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"places\.csv line 1: the header is missing; expected 'place_id,"):
        load_catalog(settings.seeds_dir)


@pytest.mark.parametrize(
    ("seed", "old", "new"),
    [
        ("prices", "machine,", "power,"),
        ("places", "London,true", "London,yes"),
        ("places", ",is_private", ",is_privat"),
        ("places", "place_id,", "place_id;"),
        ("places", "Ada's Cottage,GB", "Ada's Cottage,GB,"),
    ],
)
def test_broken_seeds_hide_what_may_be_private(settings: Settings, seed: str, old: str, new: str) -> None:
    name, path = shown(settings), settings.seeds_dir / f"{seed}.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput):
        load_catalog(settings.seeds_dir)
    assert mask_of(settings).text("meter-7 of home-7, Ada's Cottage, at 51.50743, in SG") == (
        f"{name} of {name}, {name}, at {name}, in SG"
    )


def test_a_mask_replaces_ids_names_subjects_and_exact_coordinates_as_whole_words(settings: Settings) -> None:
    said = "drop/meter-7_2026.csv: near 51.50743, -0.12784 (51.5074) of home-7 home-7, Ada's Cottage; home-78, 51.5"
    name = shown(settings)
    assert mask_of(settings).text(said) == (
        f"drop/{name}_2026.csv: near {name}, {name} ({name}) of {name} {name}, {name}; home-78, 51.5"
    )


def test_without_a_key_a_mask_still_hides(settings: Settings) -> None:
    assert mask_of(with_key(settings, None)).text("of home-7") == "of a-private-place"


@given(before=st.text(max_size=5), after=st.text(max_size=5), n=st.integers(1, 4))
def test_no_text_keeps_a_word_that_stands_alone(before: str, after: str, n: int) -> None:
    said = Mask({"home-7": "p-1"}).text(before + " ".join(["home-7"] * n) + after)
    if not (before[-1:].isascii() and before[-1:].isalnum()) and not (after[:1].isascii() and after[:1].isalnum()):
        assert "home-7" not in said


def test_a_new_key_renames_the_record_in_every_text_and_drops_the_marts(settings: Settings) -> None:
    settle(settings, NOW)
    old = shown(settings)
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select 'SG' as place_id")
        what = f"weather.{old}.temperature_c is silent, weather.SG.temperature_c is not"
        con.execute("insert into ml.alarms values ('r', now()::timestamp, $1, 'raised', 'gap', 'warning', $2, '', '')",
                    [f"gap:weather.{old}.temperature_c", what])  # fmt: skip
        con.execute("insert into ml.decisions values ('r', now()::timestamp, 'weather', 'train', [$1, 'SG'], 'z', $2)",
                    [old, f'{{"series": ["{old}", "{old}"]}}'])  # fmt: skip
    assert settle(settings, NOW) == [], "nothing changed"
    rotated = with_key(settings, KEYS[1])
    new = shown(rotated)
    assert settle(rotated, NOW) == [new]
    with connect(rotated, read_only=True) as con:
        (what,) = con.execute("select what from ml.alarms").fetchall()[0]
        assert what == f"weather.{new}.temperature_c is silent, weather.SG.temperature_c is not"
        assert con.execute("select triggers, evidence from ml.decisions").fetchall() == [
            ([new, "SG"], f'{{"series": ["{new}", "{new}"]}}')
        ]
        assert con.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchall() == [(0,)]
        assert con.execute("select place_id, shown_id from raw.private_places").fetchall() == [("home-7", new)]


def test_a_private_place_that_is_new_leaves_the_marts_of_the_others(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select 'SG' as place_id")
    assert settle(settings, NOW) == []
    with connect(settings, read_only=True) as con:
        assert con.execute("select place_id from marts.dim_series").fetchall() == [("SG",)]


def test_a_place_that_becomes_private_or_public_takes_its_record_along(settings: Settings) -> None:
    def record() -> str:
        with connect(settings, read_only=True) as con:
            row = con.execute("select series_id from ml.drift").fetchone()
        assert row is not None
        return str(row[0])

    places = settings.seeds_dir / "places.csv"
    private = places.read_text(encoding="utf-8")
    places.write_text(private.replace(f"{HOME},true", f"{HOME},false"), encoding="utf-8")
    with connect(settings) as con:
        con.execute(
            "insert into ml.drift (run_id, created_at, dataset, series_id, kind, current_to, is_drift) "
            "values ('r', now()::timestamp, 'weather', 'weather.home-7.temperature_c', 'k', now()::timestamp, false)"
        )
    assert settle(settings, NOW) == []
    places.write_text(private, encoding="utf-8")
    assert settle(settings, NOW) == [shown(settings)]
    assert record() == f"weather.{shown(settings)}.temperature_c"
    places.write_text(private.replace(f"{HOME},true", f"{HOME},false"), encoding="utf-8")
    assert settle(settings, NOW) == ["home-7"]
    assert record() == "weather.home-7.temperature_c"


def take_out(settings: Settings) -> None:
    """The private place and its series leave the seeds."""
    for name in ("places", "series"):
        path = settings.seeds_dir / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "home-7" not in line), encoding="utf-8")


def words(settings: Settings) -> dict[str, list[str]]:
    with connect(settings, read_only=True) as con:
        return dict(con.execute("select place_id, words from raw.private_places").fetchall())


def test_a_private_place_that_left_the_seeds_stays_hidden_wherever_it_is_named(settings: Settings) -> None:
    settle(settings, NOW)
    name, known = shown(settings), words(settings)
    take_out(settings)
    assert settle(settings, NOW) == []
    assert words(settings) == known == {"home-7": [
        "home-7", "Ada's Cottage", "meter-7", "51.5074", "51.50743", "-0.12784"
    ]}  # fmt: skip
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select 'SG' as place_id")
        con.execute(
            "create table marts.fct_overrides as select 'the boiler of Ada''s Cottage, meter-7 of home-7' as reason"
        )
        (pattern,) = con.execute("select pattern from raw.private_places").fetchall()[0]
    assert re.search(pattern, "drop/meter-7_2026.csv"), "what dbt masks the reasons of loads with"
    assert mask_of(settings).text("meter-7 of Ada's Cottage at 51.50743") == f"{name} of {name} at {name}"
    assert mask_of(with_key(settings, None)).text("Ada's Cottage") == name
    published = publish(settings, run_id="run-1", now=NOW)
    assert published.masked == ["fct_overrides.reason"]
    with open_copy(published.path) as copy:
        assert copy.execute("select reason from marts.fct_overrides").fetchall() == [
            (f"the boiler of {name}, {name} of {name}",)
        ]


def test_an_old_name_of_a_private_place_stays_hidden(settings: Settings) -> None:
    settle(settings, NOW)
    for name, old, new in (("places", "Ada's Cottage", "Bob's Barn"), ("series", "meter-7", "meter-9")):
        path = settings.seeds_dir / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    settle(settings, NOW)
    masked = mask_of(settings).text("meter-7, meter-9: Ada's Cottage, Bob's Barn")
    assert masked == "{0}, {0}: {0}, {0}".format(shown(settings))


def test_a_name_that_went_over_to_another_private_place_is_that_ones(settings: Settings) -> None:
    settle(settings, NOW)
    take_out(settings)
    add(settings.seeds_dir, "places", HOME.replace("home-7", "cottage") + ",true")
    add(settings.seeds_dir, "series", "weather,cottage,files,meter-7\nair,cottage,files,home-7")
    settle(settings, NOW)
    new = pseudonyms(settings, load_catalog(settings.seeds_dir))["cottage"]
    assert words(settings)["home-7"] == ["home-7", "51.5074", "51.50743", "-0.12784"], "by nothing it would be anything"
    assert mask_of(settings).text("meter-7 of Ada's Cottage, once home-7") == f"{new} of {new}, once {new}"


def test_a_name_of_a_private_place_that_left_is_refused_to_a_public_one(settings: Settings) -> None:
    settle(settings, NOW)
    take_out(settings)
    add(settings.seeds_dir, "places", "mill,Mill,GB,1,2,UTC,false")
    add(settings.seeds_dir, "series", "weather,mill,files,meter-7")
    with pytest.raises(BadInput, match="or of one that was, also stands in that of another place") as refused:
        settle(settings, NOW)
    assert "meter" not in str(refused.value)
    add(settings.seeds_dir, "places", f"{HOME},false")
    assert settle(settings, NOW) == [], "told to be public, its names are free"
    assert words(settings) == {}


def test_what_a_person_wrote_is_masked_in_the_published_copy_only(settings: Settings) -> None:
    settle(settings, NOW)
    with connect(settings) as con:
        for statement in MARTS.replace("$1", "1.0").split(";")[:-1]:
            con.execute(statement)
        con.execute(
            "create table marts.fct_overrides as select 'the boiler of Ada''s Cottage' as reason, ['home-7'] as ids"
        )
    published = publish(settings, run_id="run-1", now=NOW)
    assert published.masked == ["fct_overrides.ids", "fct_overrides.reason"]
    with open_copy(published.path) as copy:
        assert copy.execute("select * from marts.fct_overrides").fetchall() == [
            (f"the boiler of {shown(settings)}", [shown(settings)])
        ]
    with connect(settings, read_only=True) as con:
        assert con.execute("select ids from marts.fct_overrides").fetchall() == [(["home-7"],)]


def test_copies_made_before_a_place_became_private_go_with_the_next_one(settings: Settings) -> None:
    places = settings.seeds_dir / "places.csv"
    private = places.read_text(encoding="utf-8")
    places.write_text(private.replace(f"{HOME},true", f"{HOME},false"), encoding="utf-8")
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select 'home-7' as place_id")
    publish(settings, run_id="run-1", now=NOW)
    places.write_text(private, encoding="utf-8")
    settle(settings, NOW)
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.dim_series as select $1 as place_id", [shown(settings)])
    publish(settings, run_id="run-2", now=NOW)
    publish(settings, run_id="run-3", now=NOW)
    copies = sorted(path.name for path in settings.published_path.glob("gen-*"))
    assert copies == ["gen-run-2.duckdb", "gen-run-3.duckdb"]


def test_exact_coordinates_are_never_published(settings: Settings) -> None:
    with connect(settings) as con:
        con.execute("create schema marts; create table marts.x as select 51.50743 as latitude, -0.12784 as longitude")
    with pytest.raises(DataTestFailed, match="x has the exact coordinates of a private place; not published"):
        publish(settings, run_id="run-1", now=NOW)
    assert not list(settings.published_path.iterdir())
    with connect(settings) as con:
        con.execute("update marts.x set latitude = 51.5, longitude = -0.1")
    assert mask_copy(publish(settings, run_id="run-2", now=NOW).path, settings) == []
