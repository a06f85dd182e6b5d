"""Speed and memory, printed as tables."""
