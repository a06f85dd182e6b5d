"""Blender's API made plain: actions, shape keys, drivers, layers, timing, files, undo of failed writes."""
