"""Builds weights/head.safetensors from the scanned model ICT-FaceKit (MIT); imports inference alone."""
