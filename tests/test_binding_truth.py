"""Binding against the scanned head's own shapes; needs the data that training uses, see docs/binding.md."""

import numpy as np
import pytest
from duet.inference.head import load_head
from duet.training import evaluate_transfer
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
    for name, (cosine, _) in table.items():
        if not name.startswith("browDown"):  # the Duet head's own frown of the brow is another one
            assert cosine > 0.85, name
    for name in ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "eyeBlinkLeft", "eyeBlinkRight"):
        assert 0.75 < table[name][1] < 1.33, name
    for pose in ("jaw 0.2 shut", "jaw 0.5 shut", "pressed"):
        apart, cross = evaluate_transfer.lip_gaps(scanned, binding, evaluate_transfer.CLOSURES[pose])
        assert -0.5 < cross <= apart < 0.5, pose
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
