"""Exports: what is written is what the take holds, in layouts that other programs read."""

import gc
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from duet.inference.errors import OutputError
from duet.inference.formats.exports import prepare_output, write_json, write_npz, written_whole
from duet.inference.formats.livelink import write_livelink_csv
from duet.inference.head.canonical import ARKIT_NAMES
from duet.inference.take import DEFAULT_STYLE

pytestmark = pytest.mark.embedded

KEYS = {"fps", "speech_weights", "expression_weights", "emotion_curves", "emotions", "arkit", "arkit_names"}
KEYS |= {"expression_curves", "speech_names", "expression_names", "meta"}
KEYS |= {"emotion_opening", "silence", "opening_curves"}


def test_npz_holds_the_arrays_and_nothing_else(tmp_path, make_take):
    take = make_take()
    write_npz(tmp_path / "take.npz", take)
    with np.load(tmp_path / "take.npz", allow_pickle=False) as data:
        assert set(data) == KEYS
        assert float(data["fps"]) == 30.0
        for key in ("speech_weights", "expression_weights", "emotion_opening", "emotion_curves", "arkit"):
            assert data[key].dtype == np.float32
            np.testing.assert_array_equal(data[key], getattr(take, key))
        np.testing.assert_array_equal(data["silence"], take.silence)
        face = np.hstack([data["speech_weights"] + data["opening_curves"], data["expression_curves"]])
        np.testing.assert_array_equal(face, take.face_weights)
        assert tuple(data["emotions"]) == take.emotions
        for key in ("arkit_names", "speech_names", "expression_names"):
            assert tuple(data[key]) == getattr(take, key)
        assert json.loads(str(data["meta"]))["model"] == take.model_id


def test_npz_with_vertices(tmp_path, make_take):
    vertices = np.random.default_rng(1).random((10, 5, 3), np.float32)
    write_npz(tmp_path / "take.npz", make_take(vertices=vertices))
    with np.load(tmp_path / "take.npz") as data:
        assert set(data) == KEYS | {"vertices"}
        np.testing.assert_array_equal(data["vertices"], vertices)


def test_json_is_the_documented_layout(tmp_path, make_take):
    take = make_take(frames=30, fps=30000 / 1001, arkit_names=ARKIT_NAMES[::-1])
    write_json(tmp_path / "Zoë.json", take)
    data = json.loads((tmp_path / "Zoë.json").read_text(encoding="utf-8"))
    assert list(data) == ["format", "version", "meta", "fps", "frames", "names", "weights"]
    assert (data["format"], data["version"], data["frames"]) == ("duet-arkit", 1, 30)
    assert data["fps"] == 30000 / 1001
    assert tuple(data["names"]) == ARKIT_NAMES
    np.testing.assert_allclose(np.array(data["weights"])[:, ::-1], take.arkit, atol=1e-6)
    assert data["meta"] == {
        "generator": "Duet",
        "model": take.model_id,
        "audio": "line.wav",
        "style": DEFAULT_STYLE,
        "emotions": {},
    }


@pytest.fixture(params=[write_npz, write_json, write_livelink_csv])
def write(request):
    return request.param


def test_unwritable_outputs_are_named(tmp_path, make_take, write):
    take = make_take(arkit_names=ARKIT_NAMES)
    (tmp_path / "file").touch()
    for path, reason in [(tmp_path / "file" / "take", "cannot be written"), (tmp_path, "is a folder")]:
        with pytest.raises(OutputError, match=reason) as caught:
            write(path, take)
        assert str(path) in caught.value.message
        assert caught.value.remedy


def test_read_only_output_is_refused_and_kept(tmp_path, make_take, write):
    path = tmp_path / "take"
    path.write_text("precious")
    path.chmod(0o444)
    with pytest.raises(OutputError, match="read-only"):
        write(path, make_take(arkit_names=ARKIT_NAMES))
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_keeps_the_old_file_and_leaves_no_rest(tmp_path):
    path = tmp_path / "take.npz"
    path.write_text("old")

    with pytest.raises(OutputError, match="No space left"), written_whole(path) as file:
        file.write(b"half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_on_its_way_has_a_name_of_its_own_on_all_machines(tmp_path, monkeypatch):
    """In containers processes have the same numbers, and lines of one scene begin alike."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    path = tmp_path / f"{'sh010_' * 8}a.npz"
    with written_whole(path) as one, written_whole(path.with_stem(f"{'sh010_' * 8}b")) as other:
        assert one.name != other.name


def test_a_full_disk_is_one_error(tmp_path, make_take, monkeypatch):
    """Python printed a traceback beside it, of an archive that was left open."""

    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() + len(data) > 3000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    monkeypatch.setattr(Path, "open", lambda self, mode: Full())
    with pytest.raises(OutputError, match=r"No space left on device\)\. Make room there"):
        write_npz(tmp_path / "take.npz", make_take())
    gc.collect()
    assert not said


def test_missing_folder_is_made_and_a_link_is_followed(tmp_path, make_take):
    write_npz(tmp_path / "a" / "b" / "take.npz", make_take())
    assert (tmp_path / "a" / "b" / "take.npz").exists()
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "a" / "target.npz")
    write_npz(link, make_take())
    assert link.is_symlink()
    assert (tmp_path / "a" / "target.npz").stat().st_size
    assert prepare_output(link) == (tmp_path / "a" / "target.npz").resolve()
