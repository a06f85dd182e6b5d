"""What undo and redo of one button come to."""

import bpy
from duet.tests.blender_fakes import fingerprint


def state():
    """What they could change, settings and what is heard included."""
    scene = bpy.context.scene
    heard = scene.sequence_editor.strips if scene.sequence_editor else ()
    groups = [scene.duet, *(action.duet for action in bpy.data.actions)]
    return fingerprint() | {
        "settings": [plain(group) for group in groups],
        "heard": sorted((strip.name, strip.frame_final_start, strip.frame_final_end, strip.mute) for strip in heard),
        "markers": sorted((marker.name, marker.frame) for marker in scene.timeline_markers),
        "preview": (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end),
    }


def plain(group):
    """A group of properties as comparable data."""
    found = {}
    for prop in group.bl_rna.properties:
        value = getattr(group, prop.identifier)
        if prop.type == "COLLECTION":
            value = [plain(row) for row in value]
        found[prop.identifier] = repr(value) if prop.type != "POINTER" else value and value.name
    return found


def undone(operator, **chosen):
    """Do it, undo it, do it again: three states, of which the first and the last are as they were."""
    bpy.ops.ed.undo_push(message="before")
    before = state()
    assert getattr(bpy.ops.duet, operator)("EXEC_DEFAULT", True, **chosen) == {"FINISHED"}
    after = state()
    assert [part for part in after if after[part] != before[part]], operator
    for step, due in ((bpy.ops.ed.undo, before), (bpy.ops.ed.redo, after)):
        step()
        found = state()
        assert not {part: (found[part], due[part]) for part in due if found[part] != due[part]}, (operator, step)
