"""Plain materials for the parts of the Duet head, good in Solid view and in renders."""

from __future__ import annotations

import bpy

# (linear RGB, roughness, subsurface weight): common albedos, e.g. skin as measured by Jensen et al. 2001.
_LOOKS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "skin": ((0.60, 0.36, 0.27), 0.50, 0.10),
    "lips": ((0.45, 0.17, 0.15), 0.40, 0.10),
    "mouth": ((0.22, 0.05, 0.05), 0.40, 0.0),
    "brows": ((0.06, 0.035, 0.02), 0.80, 0.0),
    "sclera": ((0.80, 0.77, 0.74), 0.15, 0.0),
    "iris": ((0.09, 0.16, 0.19), 0.15, 0.0),
    "pupil": ((0.003, 0.003, 0.003), 0.10, 0.0),
    "teeth": ((0.78, 0.73, 0.63), 0.25, 0.0),
    "gums": ((0.45, 0.15, 0.14), 0.35, 0.0),
    "tongue": ((0.50, 0.17, 0.16), 0.40, 0.10),
    "lashes": ((0.02, 0.012, 0.01), 0.80, 0.0),
}
_OTHER = ((0.5, 0.5, 0.5), 0.5, 0.0)
_SCATTER_RADIUS = 0.004  # metres of skin that light crosses


def material(name: str) -> bpy.types.Material:
    """A new material for one part of the head."""
    colour, roughness, subsurface = _LOOKS.get(name, _OTHER)
    made = bpy.data.materials.new(f"Duet {name}")
    made.diffuse_color = (*colour, 1.0)
    made.roughness = roughness
    if made.node_tree is None:  # before 5.0
        made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Subsurface Weight"].default_value = subsurface
    shader.inputs["Subsurface Scale"].default_value = _SCATTER_RADIUS
    return made
