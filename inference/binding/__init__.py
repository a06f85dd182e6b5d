"""Binding: the Duet head's blendshapes on any other head mesh. Pure NumPy, so that the embedded engine runs it."""
