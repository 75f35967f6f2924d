"""Edited images as pictures and animations."""
