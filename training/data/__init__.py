"""Sets with known motion or known phones, read. Imports synthesis."""
