"""From audio samples to blendshape weights. Never imports bpy; protocol and client need only NumPy."""
