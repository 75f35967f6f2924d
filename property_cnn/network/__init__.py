"""The property CNN: eight scores read off the image of a face, z-normalised.

`training` and `make` teach it rendered faces (`dataset`), `scorer` is what users call, and
`reference` loads the weights of the reference system's network.
"""
