"""Artefacts: written whole, and refused unless every byte is as trained."""

from __future__ import annotations

import json
import os
import pickle

import pytest

from ml import artefact
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
    return artefact.save(settings, VERSION, FILES)


def test_what_was_saved_is_read_back(settings, sha256):
    assert artefact.read_files(settings, VERSION, sha256) == FILES


def test_saving_leaves_no_draft_and_replaces_an_older_folder(settings, sha256):
    assert artefact.save(settings, VERSION, FILES) == sha256
    assert [path.name for path in settings.models_path.iterdir()] == [VERSION]


def test_what_is_there_whole_is_left_alone_and_what_is_damaged_is_replaced(settings, sha256):
    folder = settings.models_path / VERSION
    before = folder.stat().st_ino
    artefact.save(settings, VERSION, FILES)
    assert folder.stat().st_ino == before
    truncated(folder)
    assert artefact.save(settings, VERSION, FILES) == sha256
    assert artefact.read_files(settings, VERSION, sha256) == FILES
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
    (folder / "manifest.json").write_bytes(artefact.manifest_of(files))


def pickle_beside(folder):
    (folder / "model.pkl").write_bytes(pickle.dumps({"a": 1}))


def linked(folder):
    path = folder / "lightgbm_direct.point.txt"
    path.rename(folder.parent / "elsewhere.txt")
    path.symlink_to(folder.parent / "elsewhere.txt")


def manifest_linked(folder):
    path = folder / "manifest.json"
    path.rename(folder.parent / "elsewhere.json")
    path.symlink_to(folder.parent / "elsewhere.json")


def folder_linked(folder):
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def folder_in_place_of_a_file(folder):
    path = folder / "lightgbm_direct.point.txt"
    path.unlink()
    path.mkdir()


def swollen(folder):
    """A sparse file, larger than any card: its size is asked before a byte of it is read."""
    os.truncate(folder / "bundle.json", artefact.MOST_BYTES["bundle.json"] + 1)


DAMAGES = [
    truncated, flipped, gone, all_gone, other_manifest, pickle_beside, linked, manifest_linked, folder_linked,
    folder_in_place_of_a_file, swollen,
]  # fmt: skip
CAN_RUN_CODE = (
    "model.pkl", "model.pickle", "model.joblib", "model.npy", "model.pt", "model.onnx", "hooks.py", "sitecustomize.py",
    "lib.so", "run.sh", "model.txt.pkl", "bundle.json.py", "model.h5", "model.keras", "model.pkl.gz",
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artefact_is_refused_before_it_is_parsed(settings, sha256, damage):
    damage(settings.models_path / VERSION)
    with pytest.raises(ArtefactRefused, match=VERSION):
        artefact.read_files(settings, VERSION, sha256)


@pytest.mark.parametrize("name", [*CAN_RUN_CODE, "../up.txt", "a/b.txt", ".hidden.txt", "manifest.json", "a.txt\n"])
def test_only_text_and_json_files_of_plain_names_are_saved(settings, name):
    with pytest.raises(ArtefactRefused):
        artefact.save(settings, VERSION, {name: b"x"})
    assert not settings.models_path.exists() or not list(settings.models_path.iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "..", "a" * 300, "air\x00", "-rf"])
def test_a_version_name_cannot_leave_the_folder(settings, name):
    with pytest.raises(ArtefactRefused, match="no name of a model version"):
        artefact.read_files(settings, name, "0" * 64)


@pytest.mark.parametrize("name", CAN_RUN_CODE)
def test_a_file_that_could_run_code_is_refused_though_the_registry_vouches_for_its_bytes(settings, name):
    """Manifest, sha256 and registry row agree: the format alone is the reason."""
    folder = settings.models_path / VERSION
    folder.mkdir(parents=True)
    content = pickle.dumps(Exploit())
    (folder / name).write_bytes(content)
    manifest = json.dumps({name: artefact.sha256_of(content)}).encode()
    (folder / "manifest.json").write_bytes(manifest)
    with pytest.raises(ArtefactRefused, match="never loaded"):
        artefact.read_files(settings, VERSION, artefact.sha256_of(manifest))
    assert not Exploit.was_run


class Exploit:
    """What a pickle of it would do when loaded."""

    was_run = False

    def __reduce__(self):
        return setattr, (Exploit, "was_run", True)


ELSEWHERE = (
    "../secret.txt",
    "/etc/passwd",
    "..",
    "a/../../b.txt",
    "..\\b.txt",
    "a.txt\x00.pkl",
    "manifest.json",
    "A.TXT",
)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_manifest_that_names_a_file_elsewhere_is_refused(settings, sha256, name):
    folder = settings.models_path / VERSION
    (settings.models_path / "secret.txt").write_text("secret")
    manifest = json.dumps({name: artefact.sha256_of(b"secret")}).encode()
    (folder / "manifest.json").write_bytes(manifest)
    with pytest.raises(ArtefactRefused, match="never loaded"):
        artefact.read_files(settings, VERSION, artefact.sha256_of(manifest))


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "manifest",
    [b"[]", b"nonsense", b'{"a.txt": 1}', b'{"a.txt": {"b": []}}', DEEP[:60_000],
     json.dumps({f"a{n}.txt": "0" * 64 for n in range(65)}).encode()],
)  # fmt: skip
def test_a_manifest_that_is_no_short_list_of_files_is_refused(settings, sha256, manifest):
    (settings.models_path / VERSION / "manifest.json").write_bytes(manifest)
    with pytest.raises(ArtefactRefused, match="no list of at most"):
        artefact.read_files(settings, VERSION, artefact.sha256_of(manifest))


def test_json_nested_without_end_is_refused_and_ends_nothing():
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        Bundle.restored({"bundle.json": DEEP})


@pytest.mark.parametrize(
    "card",
    [b"not json", b"{}", b"[]", b"null", b'{"params": []}', b'{"model": "x", "models": ["prophet"], "params": {}}'],
)
def test_a_card_the_code_does_not_understand_is_refused(card):
    with pytest.raises(ArtefactRefused, match="train again"):
        Bundle.restored({"bundle.json": card})
