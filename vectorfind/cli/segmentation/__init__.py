"""Commands on segmentation: `vectorfind segment` of any classes, and `vectorfind hair`."""
