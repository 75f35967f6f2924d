"""Folders that jobs leave, listed, claimed, replaced, verified; engines that run their tasks."""
