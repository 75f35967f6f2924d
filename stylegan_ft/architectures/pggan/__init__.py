"""The generator of progressive growing (Karras et al., 2018)."""
