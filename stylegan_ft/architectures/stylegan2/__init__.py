"""StyleGAN2 and StyleGAN2-ADA (Karras et al., 2020) with NVlabs' names of weights."""
