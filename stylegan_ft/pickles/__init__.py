"""Pickles and torch.save files as data: read without importing or calling anything they name."""
