"""Scorers of one's own: property CNNs that learn from a teacher on a generator's images."""
