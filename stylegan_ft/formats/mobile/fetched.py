"""Generators that others have trained, fetched when the user asks."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from property_cnn.fetching import download, fetched_path
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.mobile.files import MOBILESTYLEGAN


def fetch_mobilestylegan(to: str | os.PathLike | None = None) -> Path:
    """Fetches the generator of photographs, 1024 x 1024, and keeps it as our safetensors.

    Args:
        to: the new `.safetensors` file; None for the place where "mobilestylegan" is looked for.

    Raises:
        FetchError, CheckpointError, InputError: see `download` and `convert_file`.
    """
    path = fetched_path(MOBILESTYLEGAN.name) if to is None else Path(to)
    with tempfile.TemporaryDirectory() as folder:
        convert_file(download(MOBILESTYLEGAN, folder), path)
    return path
