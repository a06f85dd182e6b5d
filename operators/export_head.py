"""Export: what the head does as a file for another program, one operator for each kind of file."""

# mypy: disable-error-code="valid-type"

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import bpy
from bpy_extras.io_utils import ExportHelper

from ..inference.steps import Steps
from ..scene import choice
from ..scene.blender.loose import duet_of
from ..scene.blender.paths import whole
from ..scene.exports import export_files, export_sampling
from ..scene.head import heads
from ..scene.targets import arkit_heads, makes, target_settings
from .modal import Stepped, Work, follow, hand_over, run_now
from .poll import Reasoned
from .session import RUNTIME

_SPANS = [
    ("TAKE", "Performance", "The frames of the performance that the head plays"),
    ("SCENE", "Scene", "The frames from the scene's start to its end"),
]
NO_FACE = "No head is chosen. Choose one under Head, or select a mesh with ARKit's shape keys."


def exported(context: bpy.types.Context) -> bpy.types.Object | None:
    """The object that exports and imports concern: the one chosen under Head; where none is, the active face."""
    chosen = choice.target_head(context.scene) if duet_of(context.scene).head else None
    other = makes.chosen(context.scene)
    if chosen or other:
        return chosen or other
    active = context.object
    if heads.is_head(active) or (active is not None and active.select_get() and arkit_heads.keys_of(active)):
        return active
    return choice.target_head(context.scene)


class _Export(Reasoned, ExportHelper):
    """Mixin: a file selector, the frames to export, and errors as Blender shows them."""

    suffix = ""
    if TYPE_CHECKING:  # the operator's
        span: str
        options: bpy.types.OperatorOptions
        report: Callable[[set[str], str], None]

    @property
    def filename_ext(self) -> str:
        """What the file selector lets the name end in."""
        return str(getattr(self, "kind", self.suffix))

    @classmethod
    def reason(cls, context: bpy.types.Context) -> str:
        """Whether this Blender has the exporter, and there is a head."""
        kind = export_files.FORMATS.get(cls.suffix)
        if kind and not kind.is_built():
            return f"This Blender was built without {kind.name}. {export_files.NO_LIBRARY}"
        return "" if exported(context) else NO_FACE

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file selector, with the head's name beside the open file."""
        head = exported(context)
        if not self.filepath and head is not None:
            folder = Path(bpy.path.abspath("//"))
            self.filepath: str = str(folder / f"{bpy.path.clean_name(head.name)}{self.filename_ext}")
        return set(super().invoke(context, event))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file: in steps after the file selector, at once for a script."""
        head = exported(context)
        if head is None:
            self.report({"ERROR"}, NO_FACE)
            return {"CANCELLED"}
        path = whole(self.filepath)
        if self.options.is_invoke and not bpy.app.background:
            chosen = {"filepath": str(path), "span": self.span, "head": head.name}
            return hand_over(self, bpy.ops.duet.export_write, **chosen)  # type: ignore[attr-defined, arg-type]
        return run_now(self, _steps(context.scene, head, path, self.span))  # type: ignore[arg-type]  # a mixin


def _steps(scene: bpy.types.Scene, head: bpy.types.Object, path: Path, kind: str) -> Steps[str]:
    """Write the file; raises DuetError."""
    target_settings.require_no_input(scene, path)
    span = export_sampling.take_span(scene, head) if kind == "TAKE" else export_sampling.scene_span(scene)
    name = head.name
    yield from export_files.export_steps(scene, head, path, span)
    return " ".join([f"'{path}': '{name}', frames {span.start} to {span.end}.", *export_files.notes_on(scene, head)])


class DUET_OT_export_write(Stepped, bpy.types.Operator):
    """Write the file that was chosen, while Blender shows how far it is"""

    bl_idname = "duet.export_write"
    bl_label = "Write Export"
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(description="The file to write")
    span: bpy.props.EnumProperty(name="Frames", items=_SPANS, description="Which frames of the scene go into the file")
    head: bpy.props.StringProperty(description="The object whose face is exported")

    def work(self, context: bpy.types.Context) -> Work:
        """The file selector has closed: from here on errors are shown as reports."""
        path, RUNTIME.exclusive = Path(self.filepath), True  # each frame is played: a click would change what is read
        RUNTIME.stage = f"Writing {path.name}"
        yield None
        yield None  # so that this is drawn before one of Blender's exporters holds the window
        steps = _steps(context.scene, context.scene.objects[self.head], path, self.span)
        return (yield from follow(steps, f"Writing {path.name}"))


_STANDS = "Blender's own exporter writes it in one piece: the window stands still until it is done"


def _operator(name: str, label: str, suffixes: Sequence[tuple[str, str]], description: str) -> type[bpy.types.Operator]:
    """The operator `duet.export_NAME`; `suffixes` are those it writes, each with what it is, the default first."""
    patterns = ";".join(f"*{suffix}" for suffix, _ in suffixes)
    properties_ = {
        "filter_glob": bpy.props.StringProperty(default=patterns, options={"HIDDEN"}),
        "span": bpy.props.EnumProperty(
            name="Frames", items=_SPANS, default="TAKE", description="Which frames of the scene go into the file"
        ),
    }
    if len(suffixes) > 1:
        items = [(suffix, suffix, what) for suffix, what in suffixes]
        properties_["kind"] = bpy.props.EnumProperty(name="Format", items=items, description="What kind of file")
    body = {
        "__doc__": description,
        "__annotations__": properties_,
        "bl_idname": f"duet.export_{name}",
        "bl_label": label,
        "suffix": suffixes[0][0],
    }
    return cast(type[bpy.types.Operator], type(f"DUET_OT_export_{name}", (_Export, bpy.types.Operator), body))


EXPORTS = (
    _operator(
        "livelink",
        "Live Link Face (.csv)",
        [(".csv", "")],
        "Write the 52 ARKit coefficients as Epic's Live Link Face app records them",
    ),
    _operator(
        "json", "ARKit Weights (.json)", [(".json", "")], "Write the 52 ARKit coefficients of every frame as JSON"
    ),
    _operator(
        "npz",
        "NumPy Arrays (.npz)",
        [(".npz", "")],
        "Write the blendshapes' weights and the ARKit coefficients as NumPy arrays",
    ),
    _operator(
        "gltf",
        "glTF (.glb, .gltf)",
        [(".glb", "One binary file"), (".gltf", "Text, with its numbers in it; larger")],
        "Write the head, what follows it and its armature as glTF: every shape key is a morph target, its weights "
        "sampled at every frame. " + _STANDS,
    ),
    _operator(
        "usd",
        "USD (.usdc, .usda, .usd)",
        [
            (".usdc", "Binary: small and quick"),
            (".usda", "Text: people can read it"),
            (".usd", "Binary, under the suffix for either"),
        ],
        "Write the head, what follows it and its armature as USD: every shape key is a blend shape, its weights "
        "sampled at every frame. " + _STANDS,
    ),
    _operator(
        "alembic",
        "Alembic (.abc)",
        [(".abc", "")],
        f"Write the vertices of the head and what follows it at every frame as Alembic, modifiers included. {_STANDS}",
    ),
)
CLASSES = (*EXPORTS, DUET_OT_export_write)
