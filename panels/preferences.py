"""The extension's preferences: which engine animates, and where."""

# mypy: disable-error-code="valid-type"

import bpy

from ..inference.client.environment import torch_python
from ..operators.session import PACKAGE, RUNTIME

_ENGINES = [
    ("auto", "Automatic", "PyTorch on a graphics card where there is one, else the embedded engine"),
    ("numpy", "Embedded", "Blender's own Python; needs nothing installed"),
    ("torch", "PyTorch", "PyTorch, in the interpreter below"),
]
_DEVICES = [
    ("auto", "Automatic", "CUDA, then MPS, then the processor"),
    ("cuda", "CUDA", "A graphics card of NVIDIA"),
    ("mps", "MPS", "The graphics processor of a Mac"),
    ("cpu", "CPU", "The processor"),
]


class DuetPreferences(bpy.types.AddonPreferences):
    """Engine, device and interpreter."""

    bl_idname = PACKAGE

    engine: bpy.props.EnumProperty(name="Engine", items=_ENGINES, description="What computes the animation")
    device: bpy.props.EnumProperty(name="Device", items=_DEVICES, description="What PyTorch runs on")
    python: bpy.props.StringProperty(
        name="Interpreter",
        subtype="FILE_PATH",
        description="A Python with PyTorch and NumPy. Empty: DUET_PYTHON, else what install_torch.py has made",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the choices, what was found, and the test."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine")
        torch = layout.column()
        torch.active = self.engine != "numpy"
        torch.prop(self, "device")
        torch.prop(self, "python")
        if not self.python and self.engine != "numpy":
            found = torch_python()
            torch.label(
                text=f"Found: {found}" if found else "No PyTorch yet: install_torch.py installs it", icon="INFO"
            )
        layout.separator()
        row = layout.row()
        row.operator("duet.test_engine", icon="CHECKMARK")
        row.operator("duet.copy_report", icon="COPYDOWN")
        if RUNTIME.busy:
            layout.progress(factor=RUNTIME.fraction, text=RUNTIME.stage.capitalize())
        elif RUNTIME.description:
            layout.label(text=f"Running: {RUNTIME.description}", icon="INFO")


CLASSES = (DuetPreferences,)
