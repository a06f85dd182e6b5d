"""Heads of other makes with shapes of their own, on which binding is held against the truth; may import inference."""
