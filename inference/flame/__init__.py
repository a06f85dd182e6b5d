"""FLAME: the model, the Duet head in its layout, fits, sequences. Imports formats, head, contracts, stdlib, NumPy."""
