"""The canonical head and its shapes: the mesh, learned blendshapes, ARKit's 52. Imports contracts, stdlib, NumPy."""
