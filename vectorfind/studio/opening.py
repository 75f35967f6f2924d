"""From what the command is given to a stage: shipped models, a run, directions or a character."""

from __future__ import annotations

import os

from property_cnn.common.errors import InputError
from property_cnn.common.files import is_folder
from vectorfind.characters.character import SUFFIX, Character, load_character
from vectorfind.characters.picking.cases import named_networks, read_cases
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.directions.shipped import SHIPPED, shipped_networks
from vectorfind.models.protocols import digest_of, digest_without_size, resolve_scorer
from vectorfind.studio.stage import Stage


def open_stage(
    given: str | os.PathLike | None = None,
    generator: str | None = None,
    scorer: str | None = None,
    size: int | None = None,
    device: str | None = None,
) -> Stage:
    """The stage of what was given.

    Args:
        given: folder of a run, .npz of directions, or .safetensors of a character; None for the
            directions that are shipped with the default generator.
        generator, scorer: None for the run's, the character's, or the default ones.
        size: side of the images, of a generator that makes several.
        device: where the networks run.

    Raises:
        InputError: there are no directions for the generator.
        CheckpointError: a file is missing, damaged, or of other networks.
    """
    if given is None:
        return _shipped(generator, scorer, size, device)
    if str(given).endswith(SUFFIX):
        return _of_character(load_character(given, generator, size, device), scorer, device)
    cases = None
    if is_folder(given):
        own = named_networks(given)
        generator, scorer = generator or own[0], scorer or own[1]
        cases = read_cases(given)
    generator, scorer = generator or "default", scorer or "default"
    directions = load_directions(given, generator, scorer, device, size=size)
    return Stage(generator, directions, cases)


def _shipped(
    generator: str | None, scorer: str | None, size: int | None, device: str | None
) -> Stage:
    generator, scorer = generator or "default", scorer or "default"
    if generator not in SHIPPED or scorer != "default":
        raise InputError(
            f"no directions are shipped for {generator} with the scorer {scorer}; give a run's "
            f"folder: vectorfind test --generator {generator} --scorer {scorer} --out RUN, then "
            "vectorfind studio RUN"
        )
    return Stage(generator, _shipped_directions(size, device))


def _shipped_directions(size: int | None, device: str | None) -> Directions:
    return load_directions(SHIPPED["default"], device=device, size=size)


def _of_character(character: Character, scorer: str | None, device: str | None) -> Stage:
    """A character; among the shipped faces, where it is of the shipped generator."""
    network = character.generator
    directions = None
    if scorer in (None, "default") and _is_default(network):
        directions = _shipped_directions(None, device)
        character = character.attached(directions.models.generator)
    read = None if scorer is None or directions is not None else resolve_scorer(scorer, device)
    return Stage(character.source.name or "default", directions, None, character, read)


def _is_default(network: object) -> bool:
    return digest_without_size(digest_of(network)) == shipped_networks()[0]
