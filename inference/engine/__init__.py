"""From samples to a take, on NumPy or torch. Imports audio, head, performance, contracts."""
