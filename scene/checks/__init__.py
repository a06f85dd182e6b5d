"""What is asked before and after a write: what stands in the way, and is it seen. Imports head, blender."""
