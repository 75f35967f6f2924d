"""Named arrays of many rows in shards: what is made, where it lies, and whether it is whole."""
