"""The library's exceptions, under the name of the package that users import."""

from __future__ import annotations

from property_cnn.errors import CheckpointError, InputError, ScorerError, VectorfindError

__all__ = ["CheckpointError", "InputError", "ScorerError", "VectorfindError"]
