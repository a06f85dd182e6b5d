"""Choose Face, Add Pose: which face a pose of an armature is, corrected by hand and kept with the armature."""

# mypy: disable-error-code="valid-type"

from __future__ import annotations

import bpy

from ..inference.errors import RequestError
from ..inference.head import pose_names
from ..inference.head.canonical import ARKIT_NAMES
from ..scene.targets import rig_poses, target_settings
from .poll import Undoable

_HOW = [
    ("SHAPE", "Shape", "One of ARKit's shapes, on one side or on both"),
    ("MIX", "Mix", "Several shapes, each with an amount"),
    ("NONE", "None", "No face: the pose is not used"),
    ("NAME", "By Name", "As Duet recognises it by the pose's name"),
]
_BOTH = [f"{name[:-4]}*" for name in ARKIT_NAMES if name.endswith("Left") and f"{name[:-4]}Right" in ARKIT_NAMES]
_SHAPES = [(name, name, f"ARKit's shape {name}") for name in (*ARKIT_NAMES, *_BOTH)]


class _OnRig(Undoable):
    """Mixin: the target is an armature."""

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether it is."""
        target = target_settings.target_of(context.scene)
        ready = target is not None and target.type == "ARMATURE"
        return "" if ready else "Choose the character's armature as the target."


class DUET_OT_rig_pose(_OnRig, bpy.types.Operator):
    """Choose which face this pose is; the choice is kept with the armature"""

    bl_idname = "duet.rig_pose"
    bl_label = "Choose Face"

    pose: bpy.props.StringProperty(name="Pose", description="The pose, as the table names it")
    how: bpy.props.EnumProperty(name="Face", items=_HOW, description="What the pose is used as")
    shape: bpy.props.EnumProperty(name="Shape", items=_SHAPES, description="The shape that the pose makes")
    mix: bpy.props.StringProperty(
        name="Mix", description="ARKit's shapes with amounts, as in 'jawOpen=0.6 + mouthFunnel=0.3'; * is both sides"
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the choice, with the present face in it."""
        faces = rig_poses.faces_of(target_settings.target_of(context.scene))
        self.mix = pose_names.written(faces.get(self.pose, {}))
        self.how = "MIX" if self.mix else "SHAPE"
        if self.mix in {name for name, _, _ in _SHAPES}:
            self.shape, self.how = self.mix, "SHAPE"
        return set(context.window_manager.invoke_props_dialog(self))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw pose, kind and face."""
        self.layout.label(text=self.pose)
        self.layout.prop(self, "how", expand=True)
        if self.how in ("SHAPE", "MIX"):
            self.layout.prop(self, self.how.lower())

    def act(self, context: bpy.types.Context) -> None:
        """Keep the choice."""
        target = target_settings.target_of(context.scene)
        if self.pose not in rig_poses.poses_of(target):
            raise RequestError(f"'{target.name}' has no pose '{self.pose}'.", "Choose one of the table.")
        face = {"SHAPE": self.shape, "MIX": self.mix, "NONE": "", "NAME": None}[self.how]
        rig_poses.correct(target, self.pose, face and pose_names.written(pose_names.parse(face)))


class DUET_OT_rig_pose_add(_OnRig, bpy.types.Operator):
    """Make a frame of any action a pose of the face; the choice is kept with the armature"""

    bl_idname = "duet.rig_pose_add"
    bl_label = "Add Pose"

    action: bpy.props.StringProperty(name="Action", description="An action that poses the armature")
    frame: bpy.props.IntProperty(name="Frame", description="The frame of the action at which it is the pose")
    shape: bpy.props.EnumProperty(name="Shape", items=_SHAPES, description="The shape that the pose makes")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for action, frame and shape."""
        return set(context.window_manager.invoke_props_dialog(self))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the three."""
        self.layout.prop_search(self, "action", bpy.data, "actions")
        self.layout.prop(self, "frame")
        self.layout.prop(self, "shape")

    def act(self, context: bpy.types.Context) -> None:
        """Keep the pose, where the action moves bones of the armature."""
        target, name = target_settings.target_of(context.scene), f"{self.action} @ {self.frame}"
        before = rig_poses.corrections_of(target).get(name)
        rig_poses.correct(target, name, self.shape)
        if name not in rig_poses.poses_of(target):
            rig_poses.correct(target, name, before)
            raise RequestError(f"'{self.action}' is no action that poses '{target.name}'.", "Choose one that does.")


CLASSES = (DUET_OT_rig_pose, DUET_OT_rig_pose_add)
