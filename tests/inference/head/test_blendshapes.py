"""The learned blendshapes' file: what it names, and what must agree."""

import json

import numpy as np
import pytest
from duet.inference.checkpoints import load_checkpoint, save_checkpoint
from duet.inference.errors import WeightsError
from duet.inference.head.blendshapes import DEFAULT_PATH, load_blendshapes
from duet.inference.head.correctives import Corrective
from duet.inference.stamps import BUILT_ON, ENTRY, Stamp, file_id
from duet.inference.take import EMOTIONS

LIBRARY = (*EMOTIONS, "smirk")


def written(folder, names=LIBRARY, rows=9):
    """A small file of 2 speech and 3 expression blendshapes of 4 vertices, and those that it was built on."""
    built_on = {}
    for name in BUILT_ON["fusion"]:
        save_checkpoint(folder / f"{name}.safetensors", {}, {"name": name})
        built_on[name] = file_id(folder / f"{name}.safetensors")
    rng, path = np.random.default_rng(0), folder / "fusion.safetensors"
    arrays = {
        "basis.speech": rng.normal(size=(2, 4, 3)).astype(np.float32),
        "basis.expression": rng.normal(size=(3, 4, 3)).astype(np.float16),
        "emotion_weights": rng.normal(size=(rows, 3)).astype(np.float32),
        "emotion_opening": rng.random((rows, 2)).astype(np.float32),
        "basis.corrective": np.zeros((0, 4, 3), np.float16),
        "lid_weights": np.zeros((0, 3), np.float32),
    }
    named = {"speech_names": ["Jaw", "Lips"], "expression_names": ["A", "B", "C"], "emotions": names}
    named |= {"correctives": [], "lid_correctives": []}
    metadata = {key: json.dumps(value) for key, value in named.items()}
    save_checkpoint(path, arrays, metadata | {ENTRY: Stamp("none", 0, built_on).text()})
    return path


def test_the_library_comes_after_the_emotions(tmp_path):
    path = written(tmp_path)
    shapes, stored = load_blendshapes(path), load_checkpoint(path)
    assert shapes.emotions == LIBRARY
    np.testing.assert_array_equal(shapes.emotion_weights, stored.array("emotion_weights"))
    np.testing.assert_array_equal(shapes.emotion_opening, stored.array("emotion_opening"))


@pytest.mark.parametrize("names", [LIBRARY[1:], ("smirk", *EMOTIONS), EMOTIONS])
def test_names_and_weights_must_agree(tmp_path, names):
    with pytest.raises(WeightsError, match="emotions"):
        load_blendshapes(written(tmp_path, names))


def with_correctives(path, basis, *found):
    """The written file with correctives."""
    stored = load_checkpoint(path)
    arrays = {name: stored.array(name) for name in stored.arrays} | {"basis.corrective": basis.astype(np.float16)}
    save_checkpoint(path, arrays, {**stored.metadata, "correctives": json.dumps(found)})
    return path


def test_a_face_has_what_its_correctives_add(tmp_path):
    basis = np.random.default_rng(3).normal(size=(2, 4, 3))
    lips, blink = ["Corrective lips", "Jaw", "Lips"], ["Corrective blink", "eyeBlinkLeft", "eyeBlinkLeft"]
    plain, shapes = (
        load_blendshapes(written(tmp_path)),
        load_blendshapes(with_correctives(written(tmp_path), basis, lips, blink)),
    )
    assert shapes.names == ("Jaw", "Lips", "A", "B", "C", "Corrective lips", "Corrective blink")
    assert shapes.id != plain.id
    weights, rest = np.array([[0.5, 0.4, 0.1, 0.2, 0.3]], np.float32), np.zeros((4, 3), np.float32)
    added = shapes.faces(rest, weights) - plain.faces(rest, weights)
    np.testing.assert_allclose(added[0], 0.2 * basis[0], atol=1e-3)


def test_correctives_and_their_deltas_must_agree(tmp_path):
    path = with_correctives(written(tmp_path), np.zeros((2, 4, 3)), ["Corrective lips", "Jaw", "Lips"])
    with pytest.raises(WeightsError, match="names 1 correctives, and has 2"):
        load_blendshapes(path)


def test_the_shipped_file():
    shapes = load_blendshapes(DEFAULT_PATH)
    assert shapes.emotion_opening.shape == (len(shapes.emotions), len(shapes.speech_names))
    assert (shapes.emotion_opening >= 0).all()


def test_what_correctives_leave_out_is_not_seen():
    shapes = load_blendshapes(DEFAULT_PATH)
    both = [
        (each, delta)
        for each, delta in zip(shapes.correctives, shapes.corrective_basis, strict=True)
        if isinstance(each, Corrective)
    ]
    together = sum(each.unseen * np.linalg.norm(delta, axis=1) for each, delta in both)
    assert 0 < together.max() < 1e-5, "metres, of all at once"
