"""Artefacts: written whole, and refused unless every byte is as trained."""

from __future__ import annotations

import json
import pickle

import pytest

from ml import registry
from ml.registry import Bundle
from warehouse.errors import ArtefactRefused
from warehouse.settings import Settings

FILES = {"bundle.json": b'{"model": "naive_last"}', "lightgbm_direct.point.txt": b"tree\nversion=v4\n" * 50}
VERSION = "air-lightgbm_direct-20260101T0000-0a1b2c3d"


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path)


@pytest.fixture
def sha256(settings):
    return registry.save(settings, VERSION, FILES)


def test_what_was_saved_is_read_back(settings, sha256):
    assert registry.read_files(settings, VERSION, sha256) == FILES


def test_saving_leaves_no_draft_and_replaces_an_older_folder(settings, sha256):
    assert registry.save(settings, VERSION, FILES) == sha256
    assert [path.name for path in settings.models_path.iterdir()] == [VERSION]


def truncated(folder):
    path = folder / "lightgbm_direct.point.txt"
    path.write_bytes(path.read_bytes()[:100])


def flipped(folder):
    path = folder / "lightgbm_direct.point.txt"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def gone(folder):
    (folder / "lightgbm_direct.point.txt").unlink()


def all_gone(folder):
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def other_manifest(folder):
    (folder / "lightgbm_direct.point.txt").write_bytes(b"tree\nevil\n")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
    (folder / "manifest.json").write_bytes(registry.manifest_of(files))


def pickle_beside(folder):
    (folder / "model.pkl").write_bytes(pickle.dumps({"a": 1}))


def linked(folder):
    path = folder / "lightgbm_direct.point.txt"
    path.rename(folder.parent / "elsewhere.txt")
    path.symlink_to(folder.parent / "elsewhere.txt")


@pytest.mark.parametrize("damage", [truncated, flipped, gone, all_gone, other_manifest, pickle_beside, linked])
def test_a_damaged_artefact_is_refused_before_it_is_parsed(settings, sha256, damage):
    damage(settings.models_path / VERSION)
    with pytest.raises(ArtefactRefused, match=VERSION):
        registry.read_files(settings, VERSION, sha256)


@pytest.mark.parametrize("name", ["model.pkl", "../up.txt", "a/b.txt", "model.txt.pkl", ".hidden.txt", "manifest.json"])
def test_only_text_and_json_files_of_plain_names_are_saved(settings, name):
    with pytest.raises(ArtefactRefused):
        registry.save(settings, VERSION, {name: b"x"})
    assert not settings.models_path.exists() or not list(settings.models_path.iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "..", "a" * 300, "air\x00", "-rf"])
def test_a_version_name_cannot_leave_the_folder(settings, name):
    with pytest.raises(ArtefactRefused, match="no name of a model version"):
        registry.read_files(settings, name, "0" * 64)


def test_a_manifest_that_names_a_file_elsewhere_is_refused(settings, sha256):
    folder = settings.models_path / VERSION
    manifest = json.dumps({"../secret.txt": "0" * 64}).encode()
    (folder / "manifest.json").write_bytes(manifest)
    for path in folder.iterdir():
        if path.name != "manifest.json":
            path.unlink()
    with pytest.raises(ArtefactRefused, match="never loaded"):
        registry.read_files(settings, VERSION, registry._sha256(manifest))


@pytest.mark.parametrize("card", [b"not json", b"{}", b'{"model": "x", "models": ["prophet"], "params": {}}'])
def test_a_card_the_code_does_not_understand_is_refused(card):
    with pytest.raises(ArtefactRefused, match="train again"):
        Bundle.restored({"bundle.json": card})
