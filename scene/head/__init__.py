"""A Duet head in the scene: its mesh and rig, sliders and emotions, and the meshes that follow it. Imports blender."""
