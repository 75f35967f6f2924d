"""Samples: seeded latents, their vectors at every layer, scores, the store on disk, and groups."""
