"""How a take is performed: curves, timed emotions, life, silence. Imports head, contracts, stdlib, NumPy."""
