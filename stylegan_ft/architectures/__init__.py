"""Networks of StyleGAN 1, 2 and 3 in plain PyTorch, and what makes them one kind of generator.

A network is made of settings and weights by `build`; `layered` leaves and re-enters it at any of
the layers that `layer_names` tells.
"""
