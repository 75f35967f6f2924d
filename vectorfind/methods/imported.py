"""The method of directions that were not found here but read from another project's files."""

from __future__ import annotations

from property_cnn.common.errors import InputError
from vectorfind.methods.base import DirectionField, FitTask, Method
from vectorfind.methods.fields import GroupField
from vectorfind.methods.svm import STRENGTHS


class ImportedMethod(Method):
    """Directions of a group each, from files; nothing is fitted."""

    name = "imported"
    sentence = "Directions from another project's files."
    title, label = "Imported", "imported"
    needs = ()
    fields = (GroupField,)
    strengths = STRENGTHS
    findable = False

    def fit(self, task: FitTask) -> dict[str, DirectionField]:
        """Raises InputError: there is nothing to fit."""
        raise InputError("imported directions are read from files, not found; choose a method")


IMPORTED = ImportedMethod()
