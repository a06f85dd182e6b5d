"""Florence4D's loader on small files in its layout, with faces whose shapes are known."""

import numpy as np
import pytest
from duet.inference.head.canonical import load_head
from duet.training.data.florence4d import FlameCarrier, FlorenceError, florence_faces, read_vertices, sequences
from duet.training.data.vocaset_rig import to_flame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def head():
    return load_head()


def write_ply(path, vertices, kind="binary_little_endian"):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["ply", f"format {kind} 1.0", "comment made", f"element vertex {len(vertices)}"]
    lines += [f"property {'float' if kind == 'ascii' else 'double'} {axis}" for axis in "xyz"]
    lines += ["property uchar red", "element face 1", "property list uchar int vertex_indices", "end_header", ""]
    layout = np.dtype([*((axis, "<f8" if "little" in kind else ">f8") for axis in "xyz"), ("red", "u1")])
    if kind == "ascii":
        body = "".join(f"{x:.7f} {y:.7f} {z:.7f} 9\n" for x, y, z in vertices).encode() + b"3 0 1 2\n"
    else:
        rows = np.zeros(len(vertices), layout)
        for i, axis in enumerate("xyz"):
            rows[axis] = vertices[:, i]
        body = rows.tobytes() + b"\x03" + np.arange(3, dtype="<i4").tobytes()
    path.write_bytes("\n".join(lines).encode() + body)


def scanned(head):
    """Every second vertex of the face, in other axes, size and place."""
    skin = head.regions["skin"][::2]
    return skin, (0.93 * to_flame(head.vertices[skin]) + np.float32([0.01, -0.3, 0.02])).astype(np.float32)


@pytest.fixture(scope="module")
def folder(head, tmp_path_factory):
    root = tmp_path_factory.mktemp("florence")
    skin, neutral = scanned(head)
    kinds = ("ascii", "binary_little_endian", "binary_big_endian")
    made = {"Smile1": {"mouthSmileLeft": 1, "mouthSmileRight": 1}, "Surprised": {"jawOpen": 0.8, "browInnerUp": 1}}
    for actor in ("COMA_CH01", "COMA_CH02"):
        size = 1.1 if actor == "COMA_CH02" else 1.0
        write_ply(root / "COMA_Florence_Actors_Aligned" / f"{actor}.ply", size * neutral)
        for expression, pose in made.items():
            moved = 0.93 * to_flame(head.pose(pose)[skin] - head.vertices[skin])
            for frame in range(61):
                path = root / "COMA_FLAME_Aligned" / actor / expression / f"{expression}_{frame:02d}.ply"
                amount = np.sin(np.pi * frame / 60)
                write_ply(path, size * (neutral + amount * moved), kinds[frame % 3])
    return root


def test_sequences_go_from_neutral_to_the_apex_and_back(folder, head):
    found = list(sequences(folder))
    assert [(s.actor, s.expression) for s in found] == [
        (actor, name) for actor in ("COMA_CH01", "COMA_CH02") for name in ("Smile1", "Surprised")
    ]
    size = np.abs(found[1].vertices - found[1].neutral).max(axis=(1, 2))
    assert len(size) == 16
    assert size.argmax() in (7, 8)
    assert size[[0, -1]].max() < 1e-5 < 0.005 < size.max()


def test_faces_come_on_to_the_canonical_head_with_their_teeth(folder, head):
    faces = florence_faces(folder, head)
    assert faces.shape == (64, len(head.vertices), 3)
    due = head.pose({"jawOpen": 0.8, "browInnerUp": 1}) - head.vertices
    found = faces[16 + 7] / np.sin(np.pi * 28 / 60)
    lips = np.concatenate([head.regions["inner_lip_upper"], head.regions["inner_lip_lower"]])
    off = np.linalg.norm((found - due)[lips], axis=1)
    assert np.median(off) < 0.001, "upper lips stay, lower lips fall by 30 mm"
    assert off.max() < 0.004, "beside the corners"
    for region in ("face", "lower_teeth"):
        part = head.regions[region]
        assert (found[part] * due[part]).sum() / np.linalg.norm(found[part]) / np.linalg.norm(due[part]) > 0.97, region


def test_rest_stays_at_rest(head):
    _, neutral = scanned(head)
    moves = np.random.default_rng(0).normal(0, 1e-3, (4, *neutral.shape)).astype(np.float32)
    assert np.abs(FlameCarrier(head, neutral, moves)(0 * moves)).max() == 0


def test_without_its_neutral_the_first_mesh_is_taken(tmp_path):
    cloud = np.arange(9.0).reshape(3, 3)
    for frame in range(2):
        write_ply(tmp_path / "ACTOR" / "Sad1" / f"Sad1_{frame:02d}.ply", cloud + frame)
    (found,) = sequences(tmp_path, 1)
    np.testing.assert_array_equal(found.neutral, cloud)
    np.testing.assert_array_equal(found.vertices[1], cloud + 1)


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(FlorenceError, match="holds no EXPRESSION/EXPRESSION_00"):
        next(sequences(tmp_path))
    bad = tmp_path / "A" / "Ill" / "Ill_00.ply"
    write_ply(bad, np.zeros((40, 3)))
    bad.write_bytes(bad.read_bytes()[:-500])
    with pytest.raises(FlorenceError, match=r"Ill_00.ply is damaged"):
        read_vertices(bad)
    bad.write_bytes(b"nothing")
    with pytest.raises(FlorenceError, match="no PLY file"):
        read_vertices(bad)
    write_ply(bad, np.zeros((4, 3)))
    write_ply(bad.with_name("Ill_01.ply"), np.zeros((5, 3)))
    with pytest.raises(FlorenceError, match=r"\[4, 5\] vertices"):
        next(sequences(tmp_path, 1))
