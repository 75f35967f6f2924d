"""StyleGAN 1 (Karras et al., 2019) with the split mapping, and its discriminator."""
