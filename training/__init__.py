"""Data sets, training stages and evaluation. Not part of the extension that users install."""
