"""Directions: found, applied to latents, conditioned, saved, and exchanged with other projects."""
