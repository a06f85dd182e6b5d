"""make weights: the stages in their order. Imports the evaluation, starts the rest as commands."""
