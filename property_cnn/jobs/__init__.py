"""Folders that jobs leave: their files listed with checksums, claimed, replaced, verified."""
