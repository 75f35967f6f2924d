"""Names of the four attributes, in the order of every column of theirs."""

from __future__ import annotations

CONCEPT = ("gender", "quality", "age", "glasses")
"""1 is female cues, good quality, old, glasses worn."""
