"""Poses of the face on the controls of Rigify's human, which Blender brings, and the action that has them."""

import bpy
import numpy as np

# Bone -> what moves it, and where to, in the bone's own axes.
POSES = {
    "jaw open": {"jaw_master": ("rotation_quaternion", (np.cos(0.15), np.sin(0.15), 0.0, 0.0))},
    "lips round": {f"lips.{side}": ("location", (-0.012 * sign, 0.0, 0.0)) for side, sign in (("L", 1), ("R", -1))},
    "funnel": {"lip.T": ("location", (0.0, -0.006, 0.004)), "lip.B": ("location", (0.0, -0.006, -0.004))},
    "lower lip down": {"lip.B": ("location", (0.0, 0.0, -0.006))},
    "upper lip up": {"lip.T": ("location", (0.0, 0.0, 0.006))},
    "Smile.L": {"lips.L": ("location", (0.012, 0.0, 0.012))},
    "Smile.R": {"lips.R": ("location", (-0.012, 0.0, 0.012))},
    "lips together": {"lip.B": ("location", (0.0, 0.0, 0.006)), "jaw": ("location", (0.0, 0.0, 0.002))},
    "blink left": {"lid.T.L.002": ("location", (0.0, 0.0, -0.012))},
    "blink right": {"lid.T.R.002": ("location", (0.0, 0.0, -0.012))},
    "brow outer up L": {"brow.T.L.002": ("location", (0.0, 0.0, 0.008))},
    "brow outer up R": {"brow.T.R.002": ("location", (0.0, 0.0, 0.008))},
    "brow inner up": {f"brow.T.{side}.003": ("location", (0.0, 0.0, 0.008)) for side in "LR"},
    "tongue out": {"tongue_master": ("location", (0.0, 0.02, 0.0))},
}


def library_of(rig, actions, rig_poses):
    """An action with a marked frame for each pose; the two modules are Duet's, whatever its package is called."""
    library = bpy.data.actions.new("Face Poses")
    library.use_fake_user = True
    library.slots.new(id_type="OBJECT", name="Rig")
    bag = actions.ensure_bag(library, rig)
    keys = {}  # one curve a number, at rest in all frames but those of its poses
    for frame, (name, controls) in enumerate(POSES.items(), start=1):
        library.pose_markers.new(name).frame = frame
        for bone, (kind, values) in controls.items():
            path = rig.pose.bones[bone].path_from_id(kind)
            for index, value in enumerate(values):
                keys.setdefault((path, index), {})[frame] = value
    for (path, index), posed in keys.items():
        rest = rig_poses._rest(rig, path)[index]
        values = np.array([posed.get(frame, rest) for frame in range(len(POSES) + 2)])
        actions.write_curve(bag, path, np.arange(len(values)), values, index=index)
    return library
