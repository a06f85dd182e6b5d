"""The only code that reads and writes data of Blender."""

from . import properties
from .files import bake_file

__all__ = ["bake_file", "register", "unregister"]

register, unregister = properties.register, properties.unregister
