"""What binding asks for and gives: a mesh goes in, the Duet head's shapes on that mesh come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats, Ints32
from .errors import HeadError


@dataclass(frozen=True, eq=False)
class BindRequest:
    """A mesh of V vertices in an upright space: z up, any unit, any heading, any place.

    Raises HeadError where the arrays do not make a mesh.
    """

    name: str  # for messages
    vertices: Floats  # (V, 3)
    face_vertices: Ints32  # (L,) polygons, flat
    face_sizes: Ints32  # (F,) 3 or more
    masked: NDArray[np.bool_]  # (V,) what must not move: hair, clothes
    landmarks: Floats  # (68, 3) places the user has set, iBUG order; nan where the search decides

    def __post_init__(self) -> None:
        """Check the arrays against each other."""
        count = len(self.vertices)
        fits = self.vertices.shape == (count, 3) and self.masked.shape == (count,) and self.landmarks.shape == (68, 3)
        fits = fits and int(self.face_sizes.sum()) == len(self.face_vertices)
        fits = fits and bool((self.face_sizes >= 3).all()) and len(self.face_sizes) > 0
        if fits:
            fits = 0 <= int(self.face_vertices.min()) <= int(self.face_vertices.max()) < count
        if not fits:
            raise HeadError(f"'{self.name}' has no proper faces.", "Choose a mesh object that is a head.")

    def to_message(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Header and arrays, as they cross the worker's pipe."""
        names = ("vertices", "face_vertices", "face_sizes", "masked", "landmarks")
        return {"name": self.name}, {name: getattr(self, name) for name in names}

    @classmethod
    def from_message(cls, data: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> BindRequest:
        """The request that `to_message` gave."""
        return cls(data["name"], **arrays)


@dataclass(frozen=True, eq=False)
class Binding:
    """The Duet head's shapes on a mesh, in the request's space; n of its vertices move, N shapes."""

    names: tuple[str, ...]  # speech, expression, then ARKit shapes, as the Duet head's keys are named
    moving: Ints32  # (n,)
    deltas: Floats  # (N, n, 3)
    landmarks: Floats  # (68, 3) iBUG order
    fitted: Floats  # (C, 3) the canonical head's vertices laid on the mesh
    residual: float  # median distance of the fitted face from the mesh, as millimetres of a human head
    scale: float  # units of the request's space in a metre of the canonical head
    notes: tuple[str, ...] = ()

    def to_message(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Header and arrays, as they cross the worker's pipe."""
        header = {"names": self.names, "residual": self.residual, "scale": self.scale, "notes": self.notes}
        names = ("moving", "deltas", "landmarks", "fitted")
        return header, {name: getattr(self, name) for name in names}

    @classmethod
    def from_message(cls, data: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Binding:
        """The binding that `to_message` gave; raises ValueError where the arrays do not belong together."""
        binding = cls(
            names=tuple(data["names"]),
            residual=float(data["residual"]),
            scale=float(data["scale"]),
            notes=tuple(data["notes"]),
            **arrays,
        )
        if binding.deltas.shape != (len(binding.names), len(binding.moving), 3):
            raise ValueError(f"the deltas of a binding are {binding.deltas.shape}")
        return binding
