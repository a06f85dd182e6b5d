"""Recordings: reading, checks, rates, the mel front end, loudness. Imports contracts, stdlib, NumPy."""
