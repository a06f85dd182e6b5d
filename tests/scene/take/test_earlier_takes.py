"""A take that an earlier version saved with all its settings: they are read, and make the curves that it saved.

data/performance_before.blend holds a small head (81 vertices) and a take of 4 s at 24 frames a second from frame 5 on,
made by the sidebar of the version before `inference/performance`: see SAVED. Its next take has other settings.
"""

import bpy
import duet
import numpy as np
import pytest
from duet.inference.performance.performance import Performance
from duet.inference.performance.timeline import Cue
from duet.scene.blender import actions
from duet.scene.head import heads
from duet.scene.take import life, revise, settings, takes
from duet.tests.blender_fakes import evaluated
from duet.tests.places import DATA

pytestmark = pytest.mark.blender
FILE = DATA / "performance_before.blend"
CUES = (
    Cue(0.0, {"happy": 0.6}),
    Cue(1.0, {"sad": 0.9}, 0.5),
    Cue(1.2, {"angry": 1.2}, 0.25),
    Cue(1.2, {"disgusted": 0.6}, 0.25),
    Cue(3.0, {}, 0.5),
)
SPOKEN = {"style": "enunciated", "articulation": 0.8, "smoothing": 20, "offset": 30, "open_in_silence": 0.5}
SAVED = Performance(**SPOKEN, emotions=CUES, blinks=0.8, head_motion=0.5, breaths=1.2, seed=5)


@pytest.fixture
def head():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    duet.register()
    bpy.ops.wm.open_mainfile(filepath=str(FILE), load_ui=False)
    (found,) = heads.heads_of(bpy.context.scene)
    yield found
    duet.unregister()


def curves_of(head):
    """The keys of all that the head, its keys and its neck play, by path."""
    played = [bag for each in (head.data.shape_keys, head, heads.rig_of(head)) for bag in actions.bags_of(each)]
    return {(curve.data_path, curve.array_index): actions.keys_of(curve) for bag in played for curve in bag.fcurves}


def test_the_settings_of_a_take_and_of_the_next_one_are_read(head):
    found = settings.performance_of(takes.active(head).duet)
    for name in ("style", "articulation", "smoothing", "offset", "open_in_silence", "mix_limit"):
        assert getattr(found, name) == pytest.approx(getattr(SAVED, name)), name
    assert (found.blinks, found.eyes, found.head_motion, found.breaths) == pytest.approx((0.8, 0, 0.5, 1.2))
    assert (found.seed, found.felt) == (5, SAVED.felt)
    rows = [(cue.seconds, cue.ease, *cue.emotions.values()) for cue in found.emotions[1:]]
    for row, cue in zip(rows, CUES[1:], strict=True):
        assert row == pytest.approx((cue.seconds, cue.ease, *cue.emotions.values()))
    following = settings.performance_of(bpy.context.scene.duet)
    assert (following.articulation, following.seed, following.blinks) == (pytest.approx(1.2), 9, 0)
    assert following.emotions[0].emotions == {"afraid": pytest.approx(0.6)}
    assert (bpy.context.scene.duet.trim_start, bpy.context.scene.duet.trim_end) == (0.25, 2.5)


def test_its_curves_are_written_as_they_were(head):
    action, before = takes.active(head), curves_of(head)
    assert len(before) > 15
    for name, other in (("articulation", 1.0), ("intensity", 0.2), ("seed", 4), ("offset", 0.0)):
        saved = getattr(action.duet, name)
        setattr(action.duet, name, other)
        setattr(action.duet, name, saved)
    after = curves_of(head)
    assert set(after) == set(before)
    for path, keys in before.items():
        if "eyeBlink" in path[0] or path[0].startswith("pose.bones"):  # by the voice now, and as large as people's
            assert after[path].shape[1] == keys.shape[1] and len(after[path])
            continue
        np.testing.assert_array_equal(after[path], keys, err_msg=str(path))
    assert len(takes.takes_of(head)) == 1, "nothing counted as edited by hand"


def test_it_is_changed_without_the_engine(head):
    action, rest = takes.active(head), evaluated(head, 45)
    action.duet.articulation = 0.0
    assert np.abs(evaluated(head, 45) - rest).max() > 1e-3
    action.duet.blinks = action.duet.head_motion = action.duet.breaths = False
    assert not life.tracks_of(head)
    copy = action.copy()
    revise.play(bpy.context.scene, head, copy)
    assert takes.active(head) == copy
