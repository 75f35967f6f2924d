"""Directions that a generator has whatever is scored, of which each property takes the best."""
