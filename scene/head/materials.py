"""Materials for the parts of the Duet head, for Solid view, Workbench, EEVEE and Cycles; no image is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...inference.arrays import Floats
from ..blender import compat
from ..blender.loose import Kind

if TYPE_CHECKING:
    from ...inference.head.canonical import Head

TINT = "Tint"  # colour attribute of the mesh that the skin's colour is multiplied by
_SCATTER_RADIUS = (1.0, 0.35, 0.2)  # of the scatter scale, for red, green and blue: light goes furthest in red
_OTHER_COLOUR = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Look:
    """How one part looks: linear RGB, and inputs of the Principled BSDF."""

    colour: tuple[float, float, float]
    roughness: float = 0.5
    scatter: float = 0.0  # subsurface weight
    scale: float = 0.004  # metres that light crosses below the surface
    coat: float = 0.0  # wetness
    mottle: float = 0.0  # how much the colour varies
    bump: float = 0.0  # depth of pores, metres


# Common albedos: skin as measured by Jensen et al. 2001, the rest by eye beside it.
LOOKS: dict[str, Look] = {
    "skin": Look((0.57, 0.325, 0.235), 0.46, 0.18, 0.004, 0.0, 0.07, 0.00025),
    "lips": Look((0.45, 0.17, 0.15), 0.36, 0.15, 0.003, 0.25, 0.12, 0.0002),
    "mouth": Look((0.30, 0.07, 0.07), 0.3, 0.15, 0.003, 0.5, 0.15),
    "brows": Look((0.045, 0.026, 0.016), 0.6),
    "sclera": Look((0.78, 0.74, 0.71), 0.18, 0.1, 0.002, 1.0, 0.06),
    "iris": Look((0.13, 0.085, 0.04), 0.35, 0.0, 0.0, 0.0, 0.5),
    "pupil": Look((0.003, 0.003, 0.003), 0.1),
    "teeth": Look((0.80, 0.74, 0.63), 0.22, 0.25, 0.0015, 0.6, 0.08),
    "gums": Look((0.48, 0.17, 0.16), 0.3, 0.2, 0.002, 0.6, 0.15),
    "tongue": Look((0.50, 0.19, 0.18), 0.4, 0.2, 0.003, 0.4, 0.2, 0.0004),
    "lashes": Look((0.015, 0.010, 0.008), 0.6),
}
_CORNEA = "cornea"
_CLEAR = (1.0, 1.0, 1.0, 0.0)  # of the cornea in Solid view
_MIRRORS = 0.45  # of the light that a cornea would mirror: skin and lashes around it take the rest
_MOTTLE_SIZE, _PORE_SIZE = 22.0, 240.0  # cells of the noises over the head's bounding box
_IRIS_RING = ((0.10, 0.35), (0.24, 1.15), (0.40, 0.95), (0.47, 0.25))  # brightness at distances from the middle, in UV

# Redder and darker places of a face: landmarks (iBUG), metres from them, metres it reaches, factor of the colour.
_TINTS: tuple[tuple[tuple[int, ...], tuple[float, float, float], float, tuple[float, float, float]], ...] = (
    ((30,), (0.0, 0.004, 0.0), 0.013, (1.04, 0.86, 0.84)),
    ((31, 35), (0.0, 0.0, 0.0), 0.009, (1.0, 0.84, 0.82)),
    ((41, 46), (0.0, 0.0, -0.028), 0.026, (1.04, 0.88, 0.86)),
    ((8,), (0.0, 0.0, 0.008), 0.016, (1.02, 0.92, 0.9)),
    ((37, 38, 43, 44), (0.0, 0.0, 0.004), 0.009, (0.95, 0.86, 0.86)),
    ((36, 39, 42, 45), (0.0, 0.0, 0.0), 0.005, (1.0, 0.78, 0.76)),
    ((0, 16), (0.0, 0.02, 0.0), 0.02, (1.04, 0.84, 0.8)),
)


def add_tint(mesh: bpy.types.Mesh, head: Head) -> None:
    """Give the mesh the colour attribute that the skin's material reads."""
    tint: Kind = mesh.color_attributes.new(TINT, "BYTE_COLOR", "POINT")
    colours = np.concatenate([skin_tint(head), np.ones((len(head.vertices), 1), np.float32)], axis=1)
    tint.data.foreach_set("color", np.ascontiguousarray(colours, np.float32).ravel())


def skin_tint(head: Head) -> Floats:
    """(V, 3) linear factors of the skin's colour, at most 1: nose, cheeks, chin, lids and ears are redder or darker."""
    result = np.ones_like(head.vertices)
    for landmarks, offset, reach, colour in _TINTS:
        for landmark in landmarks:
            place = head.vertices[head.landmarks[landmark]] + np.array(offset, np.float32)
            distance = np.linalg.norm(head.vertices - place, axis=1)
            share = np.exp(-((distance / reach) ** 2))[:, None]
            result *= 1 + share * (np.array(colour, np.float32) - 1)
    return np.minimum(result, 1.0)


def material(name: str) -> Kind:
    """A new material for one part of the head."""
    made: Kind = compat.new_material(f"Duet {name}")
    tree = made.node_tree
    if name == _CORNEA:
        made.diffuse_color, made.roughness = _CLEAR, 0.05
        made.surface_render_method = "BLENDED"
        _clear(tree)
        return made
    look = LOOKS.get(name, Look(_OTHER_COLOUR))
    made.diffuse_color, made.roughness = (*look.colour, 1.0), look.roughness
    shader: Kind = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    values = {
        "Base Color": (*look.colour, 1.0),
        "Roughness": look.roughness,
        "Subsurface Weight": look.scatter,
        "Subsurface Scale": look.scale,
        "Subsurface Radius": _SCATTER_RADIUS,
        "Coat Weight": look.coat,
        "Coat Roughness": 0.06,
    }
    for socket, value in values.items():
        shader.inputs[socket].default_value = value
    colour = _mottled(tree, look) if look.mottle else None
    if name == "skin":
        colour = _tinted(tree, colour)
    elif name == "iris":
        colour = _ringed(tree, colour)
    if colour:
        tree.links.new(colour, shader.inputs["Base Color"])
    if look.bump:
        _pores(tree, shader, look.bump)
    return made


def _nodes(tree: bpy.types.NodeTree, kinds: Sequence[str]) -> list[Kind]:
    """New nodes of these kinds."""
    return [tree.nodes.new(f"ShaderNode{kind}") for kind in kinds]


def _mottled(tree: bpy.types.NodeTree, look: Look) -> bpy.types.NodeSocket:
    """The colour, lighter and darker by a noise."""
    noise = _noise(tree, _MOTTLE_SIZE, 6.0)
    span: Kind = tree.nodes.new("ShaderNodeMapRange")
    for socket, value in (
        ("From Min", 0.3),
        ("From Max", 0.7),
        ("To Min", 1 - look.mottle),
        ("To Max", 1 + look.mottle),
    ):
        span.inputs[socket].default_value = value
    tree.links.new(noise, span.inputs["Value"])
    return _times(tree, (*look.colour, 1.0), span.outputs["Result"])


def _tinted(tree: bpy.types.NodeTree, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    attribute: Kind = tree.nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = TINT
    return _times(tree, colour, attribute.outputs["Color"])


def _ringed(tree: bpy.types.NodeTree, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """An iris that is dark at its rim and around the pupil; its texture coordinates are a disc around (0.5, 0.5)."""
    kinds = ("TexCoord", "VectorMath", "ValToRGB")
    place, apart, ramp = _nodes(tree, kinds)
    apart.operation = "DISTANCE"
    apart.inputs[1].default_value = (0.5, 0.5, 0.0)
    tree.links.new(place.outputs["UV"], apart.inputs[0])
    tree.links.new(apart.outputs["Value"], ramp.inputs["Fac"])
    stops = ramp.color_ramp.elements
    while len(stops) < len(_IRIS_RING):
        stops.new(0.5)
    for stop, (at, light) in zip(stops, _IRIS_RING, strict=True):
        stop.position, stop.color = at, (light, light, light, 1.0)
    return _times(tree, colour, ramp.outputs["Color"])


def _times(
    tree: bpy.types.NodeTree,
    first: bpy.types.NodeSocket | tuple[float, float, float, float],
    second: bpy.types.NodeSocket,
) -> bpy.types.NodeSocket:
    """The product of two colours, or of a colour and a number."""
    mix: Kind = tree.nodes.new("ShaderNodeVectorMath")
    mix.operation = "MULTIPLY"
    if isinstance(first, tuple):
        mix.inputs[0].default_value = first[:3]
    else:
        tree.links.new(first, mix.inputs[0])
    tree.links.new(second, mix.inputs[1])
    return mix.outputs["Vector"]


def _pores(tree: bpy.types.NodeTree, shader: bpy.types.Node, depth: float) -> None:
    bump: Kind = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 0.5, depth
    tree.links.new(_noise(tree, _PORE_SIZE, 2.0), bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])


def _noise(tree: bpy.types.NodeTree, scale: float, detail: float) -> bpy.types.NodeSocket:
    """A noise that stays on the skin: by place in the undeformed mesh."""
    place, noise = _nodes(tree, ("TexCoord", "TexNoise"))
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, detail
    tree.links.new(place.outputs["Generated"], noise.inputs["Vector"])
    return noise.outputs[0]


def _clear(tree: bpy.types.NodeTree) -> None:
    """What lets light through and mirrors a little of it."""
    tree.nodes.clear()
    kinds = ("LayerWeight", "BsdfTransparent", "BsdfAnisotropic", "MixShader", "OutputMaterial")
    weight, through, mirror, mix, output = _nodes(tree, kinds)
    weight.inputs["Blend"].default_value = 0.05
    mirror.inputs["Color"].default_value = (_MIRRORS, _MIRRORS, _MIRRORS, 1.0)
    mirror.inputs["Roughness"].default_value = 0.03
    tree.links.new(weight.outputs["Fresnel"], mix.inputs[0])
    tree.links.new(through.outputs[0], mix.inputs[1])
    tree.links.new(mirror.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs[0])
