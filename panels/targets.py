"""The sub-panel for heads that are not Duet's: FLAME heads, Gaussian avatars, ARKit's shapes, bone rigs."""

from __future__ import annotations

from collections import Counter

import bpy

from ..inference.head import pose_names
from ..inference.head.canonical import ARKIT_NAMES
from ..operators.session import RUNTIME
from ..scene.blender import states
from ..scene.targets import arkit_heads, flame_heads, makes, playback, rig_heads, rig_poses, target_settings
from .tab import Tab


class DUET_PT_targets(Tab, bpy.types.Panel):
    """The target and what can be done with it."""

    bl_label = "Other Heads"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 80

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the target, then the buttons of a bone rig, or ARKit's and FLAME's."""
        layout, settings = self.layout, target_settings.chosen(context.scene)
        layout.enabled = not RUNTIME.busy
        layout.use_property_split = True
        layout.use_property_decorate = False
        if makes.chosen(context.scene) is None:  # else that is the target
            layout.prop(settings, "obj")
        target = target_settings.target_of(context.scene)
        matches = arkit_heads.matches_of(target)
        if target is not None:
            layout.label(text=_kind(target, len(matches)), icon="INFO")
        if playback.residual_of(target):
            column = layout.column(align=True)
            column.label(text="Residual:", icon="DRIVER_DISTANCE")
            for part in playback.residual_of(target).split(", "):  # one line would be cut off
                column.label(text=part, icon="BLANK1")
        layout.operator("duet.target_generate", icon="PLAY_SOUND")
        if target is not None and target.type == "ARMATURE":
            layout.operator("duet.rig_apply", icon="POSE_HLT")
            return
        arkit = layout.column(align=True)
        arkit.operator("duet.arkit_apply", icon="SHAPEKEY_DATA")
        flame = layout.column(align=True)
        flame.operator("duet.flame_apply", icon="ARMATURE_DATA")
        flame.operator("duet.flame_export", icon="EXPORT")
        model = layout.column(align=True)
        model.prop(settings, "model")
        model.operator("duet.flame_add", icon="ADD")
        model.operator("duet.flame_equip", icon="BONE_DATA")


class DUET_PT_arkit_keys(Tab, bpy.types.Panel):
    """Which key makes which of ARKit's shapes, each with a button to correct it."""

    bl_label = "ARKit Keys"
    bl_parent_id = "DUET_PT_targets"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target has shape keys."""
        target = target_settings.target_of(context.scene)
        return target is not None and states.keys_of(target) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a row for each of the 52 shapes."""
        target = target_settings.target_of(context.scene)
        matches, corrected = arkit_heads.matches_of(target), arkit_heads.corrections_of(target)
        column = self.layout.column(align=True)
        titles = column.row(align=True)
        titles.label(text="ARKit Shape", icon="BLANK1")
        titles.label(text="Key")
        for name in ARKIT_NAMES:
            row = column.row(align=True)
            row.label(text=name, icon="PINNED" if name in corrected else "BLANK1")
            text = " + ".join(matches.get(name, ())) or "None"
            row.operator("duet.arkit_match", text=text, icon="NONE").shape = name


class DUET_PT_poses(Tab, bpy.types.Panel):
    """Which face each pose of an armature is, each with a button to correct it."""

    bl_label = "Poses"
    bl_parent_id = "DUET_PT_targets"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the target is an armature."""
        target = target_settings.target_of(context.scene)
        return target is not None and target.type == "ARMATURE"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a row for each pose, the rest pose too, and a button to add one."""
        target = target_settings.target_of(context.scene)
        poses, faces = rig_poses.poses_of(target), rig_poses.faces_of(target)
        corrected = rig_poses.corrections_of(target)
        column = self.layout.column(align=True)
        said = Counter(pose.called for pose in poses.values())
        for name, pose in poses.items():
            row = column.row(align=True)
            text = pose.called if said[pose.called] == 1 else name
            row.label(text=text, icon="PINNED" if name in corrected else "NONE")
            none = "Rest" if pose_names.is_rest(pose.called) else "None"
            row.operator("duet.rig_pose", text=pose_names.written(faces.get(name, {})) or none, icon="NONE").pose = name
        self.layout.operator("duet.rig_pose_add", icon="ADD")
        self.layout.prop_search(target, "duet_neck", target.pose, "bones", icon="BONE_DATA")


def _kind(target: bpy.types.Object, shapes: int) -> str:
    """What the target was recognised as."""
    if target.type == "ARMATURE":
        faces = rig_poses.faces_of(target)
        missing = len(rig_heads.missing_of([*faces.values()]))
        return f"{len(faces)} poses, {len(ARKIT_NAMES) - missing} of 52 shapes" if faces else "No poses of the face"
    if flame_heads.is_flame_head(target):
        return "A FLAME head"
    mixes = arkit_heads.mixes_of(target)
    if mixes:
        return f"{len(mixes)} keys that are sounds or faces"
    return f"{shapes} of 52 ARKit shapes" if shapes else "Neither FLAME's nor ARKit's keys"


CLASSES = (DUET_PT_targets, DUET_PT_arkit_keys, DUET_PT_poses)
