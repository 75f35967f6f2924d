"""The directions that the package ships, for the generators by name; their card lies beside them.

They are tied to the generator's and the scorer's weights: `load_directions` refuses others.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from property_cnn.common.arrays import npz_metadata
from reports.layout import DIRECTIONS

WEIGHTS = Path(__file__).parent / "weights"

SHIPPED = {"default": WEIGHTS / DIRECTIONS}
"""Generator's name -> file of directions."""

CARD = WEIGHTS / "directions.md"


@cache
def shipped_networks(name: str = "default") -> tuple[str, str]:
    """Digests of the generator and the scorer that the directions of a name were found on."""
    return networks_of(SHIPPED[name])


def networks_of(path: Path) -> tuple[str, str]:
    """Digests of the generator and the scorer that a file of directions was found on.

    Raises:
        CheckpointError: no such file, or damaged.
    """
    metadata = npz_metadata(path)
    return str(metadata.get("generator_digest")), str(metadata.get("scorer_digest"))
