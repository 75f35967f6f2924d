"""Directions of linear models of a score: the normal of a plane, or a regression's coefficients."""
