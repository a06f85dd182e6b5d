"""Binding against the scanned head's own shapes; needs the data that training uses, see docs/binding.md."""

from importlib.util import find_spec

import numpy as np
import pytest
from duet.inference.blendshapes import load_blendshapes
from duet.inference.head import load_head
from duet.training import evaluate_closures, evaluate_transfer
from duet.training.captured import data_folder

pytestmark = pytest.mark.skipif(
    not (data_folder() / "ict_facekit" / "head.npz").is_file(), reason="the scanned head is not here (DUET_DATA)"
)


def rows(lines):
    """shape -> (cosine, magnitude) of the tables."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: (float(row[1]), float(row[2])) for row in cells if row[0] in evaluate_transfer.SHAPES}


def test_shapes_on_the_scanned_head_go_where_its_own_go():
    scanned = evaluate_transfer.scanned_heads(1)[0]
    binding, lines = evaluate_transfer.evaluate(load_head(), scanned)
    table = rows(lines)
    assert set(table) == set(evaluate_transfer.SHAPES)
    for name, (cosine, ratio) in table.items():
        assert cosine > 0.85, name
        assert 0.75 < ratio < 1.33, name
    for pose, amounts in evaluate_transfer.CLOSURES.items():
        apart, cross = evaluate_transfer.lip_gaps(scanned, binding, amounts)
        assert -0.25 < cross <= apart < 0.25, pose
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        delta = evaluate_transfer.shape_of(binding, name, len(scanned.vertices))
        assert evaluate_transfer.eye_left_open(scanned, delta) < 0.01
    assert binding.residual < 0.2
    off = np.linalg.norm(binding.landmarks - scanned.vertices[scanned.landmarks], axis=1)[17:]
    assert np.median(off) < 0.003


def test_transfer_itself_loses_almost_nothing():
    table = rows(evaluate_transfer.carried_over(load_head(), *evaluate_transfer.scanned_heads(2)))
    for name, (cosine, ratio) in table.items():
        assert cosine > 0.98, name
        assert 0.9 < ratio < 1.2, name


@pytest.mark.skipif(not find_spec("pocketsphinx"), reason="phones are found by PocketSphinx")
def test_lips_meet_at_the_closures_of_a_real_recording():
    """Wherever the Duet head's own lips meet on a p, b or m, those of a bound head do, and do not cross."""
    head, shapes = load_head(), load_blendshapes()
    closures = [each for each in evaluate_closures.real_closures(head) if each.gap < evaluate_closures.MEETS]
    assert len(closures) >= 5
    rest = evaluate_closures.Closure("rest", np.zeros(len(shapes.speech_names)), 0.0)
    found = evaluate_closures.bound_closures(evaluate_transfer.scanned_heads(1)[0], head, shapes, [rest, *closures])
    assert found[1:, 0].max() < 0.5
    assert (found[1:, 2] - found[0, 2]).max() < 0.2
