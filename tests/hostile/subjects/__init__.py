"""All that hostile input is given to, by name; what each needs is made when asked for."""

from __future__ import annotations

from tests.hostile.subjects import (
    arrays,
    calls,
    characters,
    checkpoints,
    documents,
    pictures,
    settings,
    tables,
)
from tests.hostile.subjects.subject import Make

SUBJECTS: dict[str, Make] = {
    **settings.SUBJECTS,
    **tables.SUBJECTS,
    **documents.SUBJECTS,
    **arrays.SUBJECTS,
    **checkpoints.SUBJECTS,
    **characters.SUBJECTS,
    **pictures.SUBJECTS,
    **calls.SUBJECTS,
}
"""Name -> what makes the subject, with a folder for files of its own."""
