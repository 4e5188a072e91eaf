"""params.yaml: read in one place, and refused in one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.alerts.params import load_alert_params
from ml.monitor.params import check_monitoring
from ml.params import PARAMS_FILE, check_params, load_params, read_params, read_yaml
from warehouse.errors import BadInput

TEXT = PARAMS_FILE.read_text(encoding="utf-8")
WRONG = {
    "a typo": (TEXT + "\n  - a: [1\n", "cannot be read: "),
    "marks of a conflict": ("<<<<<<< HEAD\n" + TEXT, "cannot be read: "),
    "no utf-8": (TEXT.encode() + b"\xff", "cannot be read: "),
    "a list": ("- weather\n", "must hold a mapping, not list"),
    "a word": ("weather", "must hold a mapping, not str"),
    "datasets as a list": (TEXT.split("\ndatasets:")[0] + "\ndatasets: [weather]\n", "datasets must be a mapping"),
    "alerts as a word": ("alerts: all\n", "alerts must be a mapping"),
}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("read", [read_params, check_params, check_monitoring,
                                  lambda path: load_params("weather", path),
                                  lambda path: load_alert_params("heat_day", path)])  # fmt: skip
@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_cannot_be_read_is_bad_input_in_one_line_whoever_reads_it(what, read, tmp_path):
    text, said = WRONG[what]
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as error:
        read(path)
    line = str(error.value)
    assert said in line
    assert str(path) in line
    assert "\n" not in line


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"params\.yaml cannot be read"):
        read_params(tmp_path / "params.yaml")


def test_the_file_of_the_repository_is_sound():
    check_params(PARAMS_FILE)
    check_monitoring(PARAMS_FILE)
    assert set(read_params()) == {"defaults", "datasets", "alerts", "alarms", "drift"}


@pytest.mark.parametrize(
    ("block", "said"),
    [("{horizon_h: 0}", "dataset footfall: horizon_h"), ("[1]", "a mapping under `datasets` for footfall")],
)
def test_a_block_of_one_dataset_that_could_not_be_used_is_found_before_it_is_needed(block, said, tmp_path):
    path = written(tmp_path, TEXT.split("\ndatasets:")[0] + f"\ndatasets:\n  footfall: {block}\n")
    assert read_params(path)["datasets"]
    with pytest.raises(BadInput, match=said):
        check_params(path)


def test_an_empty_file_holds_nothing(tmp_path):
    assert read_yaml(written(tmp_path, "# nothing\n")) == {}
    with pytest.raises(BadInput, match="must hold a block `defaults`"):
        load_params("weather", tmp_path / "params.yaml")
