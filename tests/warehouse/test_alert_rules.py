from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from warehouse.catalog import load_catalog
from warehouse.errors import BadInput
from warehouse.settings import ROOT

SEEDS = ROOT / "dbt_project" / "seeds"
OK = "r,weather,temperature_c,above,30,max,24,1,1,5,°C,hot,rest"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def with_rule(seeds: Path, line: str) -> int:
    """Appends a rule; returns its line number."""
    file = seeds / "alert_rules.csv"
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    return len(file.read_text(encoding="utf-8").splitlines())


def test_the_rules_of_the_repository_cover_what_people_ask_to_be_warned_of():
    rules = {rule.rule_id: rule for rule in load_catalog(SEEDS).alert_rules}
    assert set(rules) == {
        "pm25_day_region", "pm25_day_city", "heat_day", "frost_night", "dirty_grid_hour", "green_window",
    }  # fmt: skip
    assert rules["frost_night"].act_from == pytest.approx(1 / 8)


def test_adding_a_rule_is_a_line_in_a_seed(seeds: Path):
    with_rule(seeds, OK)
    assert load_catalog(seeds).alert_rules[-1].rule_id == "r"


WRONG = {
    "an id that is a path": (OK.replace("r,", "../r,", 1), "rule_id is '../r'"),
    "a rule twice": (OK.replace("r,", "heat_day,", 1), "rule_id to be unique"),
    "an unknown dataset": (OK.replace("weather", "wether"), "dataset is 'wether'; expected a dataset of variables.csv"),
    "a variable of another dataset": (
        OK.replace("temperature_c", "pm2_5_ugm3"),
        "variable is 'pm2_5_ugm3'; expected a variable that variables.csv has for weather",
    ),
    "an unknown direction": (OK.replace("above", "over"), "direction is 'over'; expected above or below"),
    "an unknown statistic": (OK.replace("max", "median"), "statistic is 'median'; expected mean or max or min"),
    "a threshold nothing can reach": (OK.replace(",30,", ",300,"), "threshold is '300'; expected a plausible value"),
    "a threshold that is no number": (OK.replace(",30,", ",nan,"), "threshold is 'nan'; expected a number"),
    "another unit": (OK.replace("°C", "K"), "unit is 'K'; expected the unit of temperature_c: '°C'"),
    "no window": (OK.replace(",24,1,", ",0,1,"), "window_h is '0'; expected a number from 1 to 48"),
    "the origin's own hour": (OK.replace(",24,1,", ",24,0,"), "lead_h is '0'; expected a number from 1 to 48"),
    "a window beyond the forecast": (OK.replace(",24,1,", ",24,26,"), "lead_h is '26'; expected at most 25"),
    "acting for nothing": (OK.replace(",1,1,5,", ",1,0,5,"), "cost_of_acting is '0'; expected more than 0"),
    "acting that costs what it saves": (
        OK.replace(",1,1,5,", ",1,5,5,"),
        "cost_of_acting is '5'; expected more than 0 and less than loss_if_missed, which is 5",
    ),
    "nothing to do": (OK.replace(",rest", ", "), "what_to_do is ' '"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_its_line(seeds: Path, mistake: str):
    line, expected = WRONG[mistake]
    number = with_rule(seeds, line)
    with pytest.raises(BadInput) as error:
        load_catalog(seeds)
    assert str(error.value).startswith(f"alert_rules.csv line {number}: ")
    assert expected in str(error.value)


def test_a_missing_file_of_rules_is_named(seeds: Path):
    (seeds / "alert_rules.csv").unlink()
    with pytest.raises(BadInput, match=r"alert_rules\.csv cannot be read"):
        load_catalog(seeds)
