"""Decoupled directions: each moves one score and leaves the others where they are."""
