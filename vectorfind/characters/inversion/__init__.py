"""Photographs brought into a generator: the latents whose image comes nearest to a picture."""
