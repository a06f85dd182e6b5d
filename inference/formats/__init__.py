"""Files of other programs, written and read. Imports head, contracts, stdlib, NumPy."""
