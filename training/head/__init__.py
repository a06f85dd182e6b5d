"""Builds weights/head.safetensors from the scanned ICT-FaceKit (MIT); imports inference and what training shares."""
