"""Heads of other makes: what a Duet head plays, on ARKit's and FLAME's. Imports checks, head, blender."""
