"""What the speech model must beat, trained on the same data: each an honest small version of a published idea."""
