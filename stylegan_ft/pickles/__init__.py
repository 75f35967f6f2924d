"""Pickles and torch.save files as data: read without importing or calling anything they name.

The machine in `machine` knows the operations of pickles, `known` the names that weights are made
of, `sources` what an embedded source may hold. Other names stay inert, or refuse the file.
"""
