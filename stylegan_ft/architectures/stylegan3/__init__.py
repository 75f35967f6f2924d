"""StyleGAN3, T and R (Karras et al., 2021), with NVlabs' names of weights."""
