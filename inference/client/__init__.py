"""The worker's other end: starts, feeds, cancels and outlives it. Imports contracts, stdlib, NumPy."""
