"""Directions as gradients of a small network that reads scores off latents."""
