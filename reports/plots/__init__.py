"""Plots and pictures, each a function from arrays or tables to a matplotlib figure."""
