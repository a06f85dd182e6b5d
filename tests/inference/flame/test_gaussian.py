"""The layout of GaussianAvatars: keys, shapes, types, and the same vertices when read back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from duet.inference.bound import Binding
from duet.inference.checkpoints import save_checkpoint
from duet.inference.client.client import WorkerClient, worker_command
from duet.inference.errors import HeadError, OutputError
from duet.inference.flame.duet import duet_flame
from duet.inference.flame.fit import FlameMotion, bind_request, flame_motion
from duet.inference.flame.gaussian import (
    check_gaussian,
    gaussian_arrays,
    gaussian_vertices,
    read_gaussian,
    write_gaussian,
)
from duet.inference.flame.model import JAW, JOINTS, LEFT_EYE, NECK, RIGHT_EYE, TO_BLENDER, load_flame
from duet.inference.head.blendshapes import load_blendshapes
from duet.inference.head.canonical import ARKIT_NAMES, load_head
from duet.inference.head.recompose import mixed
from duet.inference.take import EMOTIONS, Take
from duet.operators.batch import cli, flame, jobs, runner
from duet.tests.flame_fakes import flame_arrays, reference_vertices

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

ARRAYS = flame_arrays()


@pytest.fixture
def model(tmp_path):
    np.savez(tmp_path / "model.npz", **ARRAYS)
    return load_flame(tmp_path / "model.npz")


def some_motion(identity=300, expression=100, frames=40):
    rng = np.random.default_rng(9)
    return FlameMotion(
        fps=25.0,
        identity=rng.normal(0, 1, identity).astype(np.float32),
        expression=rng.normal(0, 1, (frames, expression)).astype(np.float32),
        pose=rng.normal(0, 0.2, (frames, len(JOINTS), 3)).astype(np.float32),
        translation=rng.normal(0, 0.1, (frames, 3)).astype(np.float32),
    )


def test_the_layout_is_that_of_gaussian_avatars(tmp_path, model):
    motion = some_motion()
    write_gaussian(tmp_path / "line.flame.npz", motion, model)
    arrays = read_gaussian(tmp_path / "line.flame.npz")
    assert {name: array.shape for name, array in arrays.items()} == {
        "expr": (40, 100),
        "rotation": (40, 3),
        "neck_pose": (40, 3),
        "jaw_pose": (40, 3),
        "eyes_pose": (40, 6),
        "translation": (40, 3),
        "shape": (300,),
        "static_offset": (1, 40, 3),
        "dynamic_offset": (40, 1, 3),
        "fps": (),
    }
    assert {array.dtype for name, array in arrays.items() if name != "fps"} == {np.dtype(np.float32)}
    assert np.array_equal(arrays["jaw_pose"], motion.pose[:, JAW])
    assert np.array_equal(arrays["neck_pose"], motion.pose[:, NECK])
    assert np.array_equal(arrays["eyes_pose"][:, :3], motion.pose[:, LEFT_EYE])
    assert np.array_equal(arrays["eyes_pose"][:, 3:], motion.pose[:, RIGHT_EYE])


def test_a_file_gives_the_vertices_of_the_reference(tmp_path, model):
    motion = some_motion()
    write_gaussian(tmp_path / "line.npz", motion, model)
    found = gaussian_vertices(read_gaussian(tmp_path / "line.npz"), model, slice(3, 5))
    for row, t in zip(found, (3, 4), strict=True):
        betas = np.concatenate([motion.identity, motion.expression[t]])
        assert np.abs(row - reference_vertices(ARRAYS, betas, motion.pose[t], motion.translation[t])).max() < 2e-6


def test_the_checker_tells_a_changed_file(tmp_path, model):
    motion, path = some_motion(), tmp_path / "line.npz"
    write_gaussian(path, motion, model)
    assert check_gaussian(path, motion, model) < 1e-7
    arrays = dict(np.load(path))
    arrays["jaw_pose"] = arrays["jaw_pose"] + np.float32(0.1)
    np.savez(path, **arrays)
    assert check_gaussian(path, motion, model) > 1e-3
    with pytest.raises(OutputError, match="has 40 frames, not 39"):
        check_gaussian(path, some_motion(frames=39), model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expr": None}, "lacks expr"),
        ({"eyes_pose": np.zeros((40, 3), np.float32)}, "eyes_pose is (40, 3), not (40, 6)"),
        ({"jaw_pose": np.zeros((40, 3))}, "jaw_pose is not of finite float32"),
        ({"shape": np.full(300, np.inf, np.float32)}, "shape is not of finite float32"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, model, change, message):
    arrays = gaussian_arrays(some_motion(), model) | change
    np.savez(tmp_path / "line.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(OutputError) as caught:
        read_gaussian(tmp_path / "line.npz")
    assert message in str(caught.value)


def test_a_model_with_too_many_components_is_refused(tmp_path, model):
    with pytest.raises(OutputError, match="120 expression components"):
        write_gaussian(tmp_path / "line.npz", some_motion(expression=120), model)
    assert not (tmp_path / "line.npz").exists()


def test_the_bundled_models_few_identity_components_are_filled_up(tmp_path):
    model, motion = duet_flame(), some_motion(identity=20, frames=4)
    write_gaussian(tmp_path / "line.npz", motion, model)
    arrays = read_gaussian(tmp_path / "line.npz")
    assert np.array_equal(arrays["shape"][:20], motion.identity)
    assert not arrays["shape"][20:].any()


def spoken(frames=5):
    """A take that opens the mouth."""
    blendshapes = load_blendshapes()
    speech = np.zeros((frames, len(blendshapes.speech_names)), np.float32)
    speech[:, 0] = np.linspace(0, 1, frames)
    return Take(
        fps=25.0,
        speech_weights=speech,
        expression_weights=blendshapes.emotion_weights[: len(EMOTIONS)],
        emotion_opening=blendshapes.emotion_opening[: len(EMOTIONS)],
        silence=np.zeros(frames, np.float32),
        emotion_curves=np.zeros((frames, len(EMOTIONS)), np.float32),
        arkit=np.zeros((frames, 52), np.float32),
        speech_names=blendshapes.speech_names,
        expression_names=blendshapes.expression_names,
        emotions=EMOTIONS,
        arkit_names=ARKIT_NAMES,
        model_id="0123456789ab",
        request={},
    )


def write(path, take, model=None, binding=None):
    """Write a take as it is, on Duet's own model where no other is given."""
    model, names = model or duet_flame(), (*take.speech_names, *take.expression_names)
    motion, residual = flame_motion(*mixed(names, take.face_weights), take.fps, model, binding)
    write_gaussian(path, motion, model)
    return residual


def test_what_opens_in_silence_opens_the_jaw(tmp_path):
    take, surprised = spoken(), EMOTIONS.index("surprised")
    opening = np.zeros_like(take.emotion_opening)
    opening[surprised, take.speech_names.index("Speech jaw open")] = 0.8
    curves = np.zeros_like(take.emotion_curves)
    curves[:, surprised] = 1.0
    silence = np.linspace(0, 1, take.frame_count, dtype=np.float32)
    parts = {"emotion_opening": opening, "emotion_curves": curves, "silence": silence}
    write(tmp_path / "line.npz", replace(take, speech_weights=0 * take.speech_weights, **parts))
    assert (np.diff(read_gaussian(tmp_path / "line.npz")["jaw_pose"][:, 0]) > 0.01).all()


def test_a_take_is_written_on_duets_own_model(tmp_path):
    take = spoken()
    assert write(tmp_path / "line.npz", take).median < 0.3
    arrays = read_gaussian(tmp_path / "line.npz")
    assert (np.diff(arrays["jaw_pose"][:, 0]) > 0.01).all()
    shown = gaussian_vertices(arrays, duet_flame(), slice(4, 5))[0] @ TO_BLENDER.T
    due = load_head().vertices + load_blendshapes().speech_basis[0]
    assert np.median(np.linalg.norm(shown - due, axis=1)) < 3e-4


def test_a_model_of_other_vertices_goes_by_its_binding(tmp_path):
    """The Duet head in another order of vertices, with the binding that a perfect search would find."""
    own, order = duet_flame(), np.random.default_rng(0).permutation(len(duet_flame().v_template))
    model = replace(
        own,
        v_template=own.v_template[order],
        shapedirs=own.shapedirs[order],
        posedirs=own.posedirs[order],
        regressor=own.regressor[:, order],
        weights=own.weights[order],
        faces=np.argsort(order)[own.faces].astype(np.int32),
    )
    request, take, shapes = bind_request(model, "model"), spoken(), load_blendshapes()
    assert np.abs(request.vertices - load_head().vertices[order]).max() < 1e-6
    moving = np.arange(0, len(order), 1, np.int32)
    deltas, names = shapes.basis[:, order], shapes.names
    none = np.zeros((68, 3), np.float32)
    binding = Binding(names, moving, deltas, none, request.vertices, 0.0, 1.0)
    assert write(tmp_path / "line.npz", take, model, binding).median < 0.3
    small = replace(own, v_template=own.v_template[:-1])
    with pytest.raises(HeadError, match="Bind the model's mesh first"):
        write(tmp_path / "line.npz", take, small)


@pytest.mark.once
def test_the_command_line_takes_the_users_own_model(tmp_path):
    """The Duet head's model with one vertex more, so that it has to be bound; the worker does it, once."""
    own = duet_flame()
    arrays = {name: getattr(own, name) for name in ("v_template", "shapedirs", "posedirs", "weights")}
    arrays = {name: np.concatenate([array, array[:1]]) for name, array in arrays.items()}
    arrays |= {"f": own.faces, "J_regressor": np.pad(own.regressor, ((0, 0), (0, 1)))}
    arrays["kintree_table"] = np.array([own.parents, range(len(JOINTS))], np.int32)
    count = len(own.v_template)
    save_checkpoint(tmp_path / "mine.safetensors", arrays, {"identity_count": str(own.identity_count)})
    client = WorkerClient(*worker_command(runner.ROOT, engine="numpy"))
    try:
        models = flame.FlameModels(client)
        model, binding = models.of(tmp_path / "mine.safetensors")
        assert models.of(tmp_path / "mine.safetensors")[1] is binding
        assert models.of(None)[1] is None
    finally:
        client.close()
    assert len(model.v_template) == count + 1
    assert write(tmp_path / "line.flame.npz", spoken(), model, binding).median < 0.5
    assert read_gaussian(tmp_path / "line.flame.npz")["expr"].shape == (5, 100)


def test_the_model_goes_with_the_job(tmp_path):
    job = jobs.Job(audio=tmp_path / "line.wav", output=tmp_path / "line.flame.npz", flame=tmp_path / "mine.pkl")
    assert jobs.Job.from_json(json.loads(json.dumps(job.to_json()))) == job
    arguments = ["generate", str(tmp_path / "line.wav"), "-o", str(tmp_path / "line.npz"), "--flame", "mine.pkl"]
    assert cli.main(arguments) == cli.EXIT_USAGE
