"""Takes: stored, changed without inference, heard, made lively, made plain. Imports checks, head, blender."""
