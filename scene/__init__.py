"""The only code that reads and writes data of Blender."""
