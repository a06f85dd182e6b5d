"""Exports through Blender, sampled, written and checked. Imports all other folders of scene."""
