"""What is asked before and after a write: what stands in the way, and does it play as meant. Imports head, blender."""
