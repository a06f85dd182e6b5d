"""The demo and its recordings."""
