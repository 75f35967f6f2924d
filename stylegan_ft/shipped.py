"""The generators that the package ships, and what their files say of them, without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import file_digest, read_metadata
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig

_WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {
    "default": _WEIGHTS / "concept_generator.safetensors",
    "base": _WEIGHTS / "generator.safetensors",
}
"""The generators that the package ships: the base, and the default, which v9 made of it."""

PHOTOGRAPHS = "mobilestylegan"
"""Name of the generator of photographs, which is fetched."""

NAMED = (*SHIPPED, PHOTOGRAPHS)
"""Names of generators."""

CONFIG_KEY = "config"
"""Metadata entry with the generator's settings as JSON."""


class GeneratorFacts(NamedTuple):
    """What names a generator.

    Attributes:
        digest: of its file, as `Generator.digest`.
        resolution: side of its images.
        layers: where directions live by default: name -> size of the vector.
    """

    digest: str
    resolution: int
    layers: Mapping[str, int]


def shipped_facts(name: str = "default") -> GeneratorFacts:
    """Digest and sizes of a shipped generator, which is not built.

    Raises:
        CheckpointError: its file is missing, damaged, or of another network.
    """
    path = SHIPPED[name]
    try:
        config = GeneratorConfig(**json.loads(read_metadata(path)[CONFIG_KEY]))
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise CheckpointError(f"{path} holds no StyleGAN 1 of ours ({error})") from error
    return GeneratorFacts(file_digest(path), config.resolution, config.layers)
