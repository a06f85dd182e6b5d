"""In the real application: Rigify's human is added and generated, its face speaks by poses of its own controls.

make gui SCRIPT=tests/gui/rigify_human.py

It makes docs/pictures/manual_rigify.png.
"""

import sys

import addon_utils
import blender_gui as g
import bpy
import numpy as np
from helpers import (
    DOCS,
    FIRST,
    ROOT,
    TITLE,
    area_of,
    find,
    look,
    module,
    open_panel,
    picture,
    point_at,
    press,
    rest,
    runtime,
    to_the_end,
    wait_for,
)

sys.path.append(str(ROOT / "tests"))
from rig_checks import bones, undone_and_kept
from rigify_poses import POSES, library_of

SHOWN = 24  # the frame of the picture: an open vowel
# The Duet head at the size and place of the face of Rigify's human.
SCALE, PLACE = np.array([1.49, 1.35, 1.28]), np.array([0.0, -0.013, 1.6])
MOVED = ("jaw_master", "DEF-chin", "lips.L", "lips.R")
REACH = 0.012  # metres around a bone within which it takes the skin along


def human():
    """Add the meta-rig and generate the rig by the buttons that a user has; return the rig."""
    yield from press("shift+a")
    for part in ("h", "uman"):  # the first letter opens the menu's search
        yield from g.type_text(part)
        yield 2.0
    yield from g.key("Return")
    yield from wait_for(lambda: bpy.context.object and bpy.context.object.type == "ARMATURE", "the meta-rig")
    assert "face" in bpy.context.object.data.bones, bpy.context.object.data.bones.keys()
    area = area_of("PROPERTIES")
    area.spaces.active.context = "DATA"
    yield from rest()
    region = next(region for region in area.regions if region.type == "WINDOW")
    yield from g.click((yield from find("bpy.ops.pose.rigify_generate(", area, region)))
    yield from wait_for(lambda: "rig" in bpy.data.objects, "the rig")
    yield from rest()
    bpy.data.objects["metarig"].hide_set(True)
    bpy.context.view_layer.objects.active = rig = bpy.data.objects["rig"]
    return rig


def character(rig):
    """A head that the rig's bones bend; what the jaw opens belongs to no bone above it."""
    head = module("inference.head.canonical").load_head()
    skin = head.vertices * SCALE + PLACE
    mesh = bpy.data.meshes.new("Human")
    mesh.from_pydata(skin.tolist(), [], [polygon.tolist() for polygon in head.polygons])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    obj = bpy.data.objects.new("Human", mesh)
    bpy.context.scene.collection.objects.link(obj)
    low, lid = (share(head, names) for names in (["jawOpen"], ["eyeBlinkLeft", "eyeBlinkRight"]))
    weights = {bone.name: near(skin, bone) for bone in rig.data.bones if bone.use_deform and bone.head_local.z > 1.6}
    for name in weights:
        if any(part in name for part in ("jaw", "chin", "lip.B", "tongue")):
            weights[name] *= low**2
        elif "spine" not in name:
            weights[name] *= (1 - low) * (lid if "lid.T" in name else 1)
    weights["DEF-spine.006"] += 0.02
    total = sum(weights.values())
    for name, weight in weights.items():
        group, own = obj.vertex_groups.new(name=name), np.round(weight / total, 2)
        for value in np.unique(own[own > 0]):
            group.add(np.flatnonzero(own == value).tolist(), float(value), "REPLACE")
    obj.modifiers.new("Armature", "ARMATURE").object = rig


def share(head, shapes):
    """How far shapes move each vertex, of the most that they move one."""
    way = np.linalg.norm(head.pose(dict.fromkeys(shapes, 1.0)) - head.vertices, axis=1)
    return way / way.max()


def near(points, bone):
    """How near points are to a bone, 1 at it."""
    begin, end = np.array(bone.head_local), np.array(bone.tail_local)
    along = np.clip((points - begin) @ (end - begin) / ((end - begin) @ (end - begin)), 0, 1)[:, None]
    return np.exp(-(np.linalg.norm(points - begin - along * (end - begin), axis=1) ** 2) / (2 * REACH**2))


def exact(rig, library):
    """At 1 each pose, as Duet keys it, is that pose of every bone of the rig."""
    actions, poses = module("scene.blender.actions"), module("scene.targets.rig_poses")
    own = poses.spoken_by(rig)
    assert len(own) == len(POSES), own
    controls, _ = poses.controls_of(rig, [poses.poses_of(rig)[name] for name in own])
    still = bones(rig, 0)
    actions.assign(rig, library)
    due = [bones(rig, poses.poses_of(rig)[name].frame) for name in own]
    made = actions.new_action("Made")
    actions.assign(rig, made)
    bag = actions.ensure_bag(made, rig)
    for control in controls:
        for index, values in control.mixed(np.eye(len(own))):
            actions.write_curve(bag, control.path, np.arange(len(values)), values, index=index)
    found = [bones(rig, row) for row in range(len(due))]
    off = max(np.abs(one - other).max() for one, other in zip(found, due, strict=True))
    way = min(np.abs(one - still).max() for one in found)
    print("poses at 1: the matrices of bones are off by", off, "and differ from rest by", way, flush=True)
    assert off < 1e-5 and way > 1e-3
    rig.animation_data.action = None
    bpy.data.actions.remove(made)
    for bone in rig.pose.bones:
        bone.matrix_basis.identity()


def main():
    scene = bpy.context.scene
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    addon_utils.enable("rigify", default_set=True)
    rig = yield from human()
    with g.override():
        bpy.ops.object.mode_set(mode="OBJECT")
    character(rig)
    library = library_of(rig, module("scene.blender.actions"), module("scene.targets.rig_poses"))
    exact(rig, library)
    rig.show_in_front = True
    for collection in rig.data.collections_all:
        collection.is_visible = collection.name == "Face (Primary)"
    scene.frame_set(1)
    scene.duet.audio = str(FIRST)
    scene.duet.emotion, scene.duet.intensity = "happy", 0.4
    look((0, -0.1, 1.84), 0.6)
    yield from g.open_sidebar("Duet")
    yield from open_panel("Other Heads")
    yield from g.enter("obj", "rig")
    yield from rest()
    assert scene.duet_target.obj == rig, scene.duet_target.obj
    still = bones(rig, SHOWN)
    bpy.ops.ed.undo_push(message="A character")
    yield from to_the_end()
    x, y = yield from g.find("duet.rig_apply")
    yield from g.click((x - 60, y + TITLE))  # opens Poses
    yield from rest()
    yield from to_the_end()
    yield from g.click((yield from find("jaw open")))
    yield from picture("rigify_table")
    yield from g.key("Return")
    yield from rest()
    poses = module("scene.targets.rig_poses")
    assert poses.corrections_of(rig) == {"Face Poses: jaw open": "jawOpen"}, poses.corrections_of(rig)

    yield from g.click("duet.target_generate")
    playback = module("scene.targets.playback")
    yield from wait_for(lambda: playback.residual_of(rig) and not runtime().busy, "the rig's keys")
    print("residual:", playback.residual_of(rig), flush=True)
    spoken, names = bones(rig, SHOWN), [bone.name for bone in rig.pose.bones]
    skull = names.index("DEF-spine.006")  # what moves in the head, and not with it
    way = np.abs(np.linalg.inv(spoken[skull]) @ spoken - np.linalg.inv(still[skull]) @ still).max((1, 2))
    print({name: round(float(way[names.index(name)]), 4) for name in MOVED}, flush=True)
    assert all(way[names.index(name)] > 1e-3 for name in MOVED)
    yield from to_the_end()
    yield from point_at(g.view3d())
    yield from picture("manual_rigify", DOCS / "pictures")

    yield from undone_and_kept("rig", SHOWN, still, spoken)
