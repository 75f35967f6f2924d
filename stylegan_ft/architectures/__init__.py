"""StyleGAN2 and StyleGAN3 in plain PyTorch, with NVlabs' names of weights."""
