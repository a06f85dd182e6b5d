"""Recipes for render farms: files that Flamenco and OpenCue read (docs/pipeline.md)."""
