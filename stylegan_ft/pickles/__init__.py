"""Pickles and torch.save files as data: read without importing or calling anything they name.

The machine in `machine` knows the few operations that files of weights are made of, `sources`
what an embedded source may hold; all else is refused by name.
"""
