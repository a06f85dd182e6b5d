"""The model card's measures and tables. Imports every other folder of training."""
