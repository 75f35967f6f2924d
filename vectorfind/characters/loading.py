"""Which generator a character lives in: found, loaded once, and checked by its digest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

from property_cnn.common.errors import CheckpointError, InputError
from vectorfind.models.protocols import (
    Generator,
    digest_of,
    digest_without_size,
    resolve_generator,
)


@dataclass(frozen=True)
class Source:
    """A generator by name.

    Attributes:
        name: "default", "base", "mobilestylegan" or a path; "" of an object, which must be given.
        digest: what `digest_of` gives of it, without the size.
        psi, trunc_layers: its truncation.
        size: side of the images; None for its own.
        device: where it runs; None for a GPU if there is one.
        network: the generator itself, where it was given as an object.
    """

    name: str
    digest: str
    psi: float = 1.0
    trunc_layers: int | None = None
    size: int | None = None
    device: str | None = None
    network: Generator | None = field(default=None, compare=False, repr=False)

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "name": self.name,
            "digest": self.digest,
            "psi": self.psi,
            "trunc_layers": self.trunc_layers,
            "size": self.size,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """From what `stored` gave.

        Raises:
            KeyError, TypeError, ValueError: something is missing or of another kind.
        """
        layers, size = stored["trunc_layers"], stored["size"]
        return cls(
            str(stored["name"]),
            str(stored["digest"]),
            float(stored["psi"]),
            None if layers is None else int(layers),
            None if size is None else int(size),
        )

    @classmethod
    def of(cls, generator: Generator, name: str | os.PathLike = "") -> Self:
        """Of a generator that is loaded, under the name that finds it again."""
        return cls(
            str(name),
            digest_without_size(digest_of(generator)),
            float(getattr(generator, "psi", 1.0)),
            getattr(generator, "trunc_layers", None),
            getattr(generator, "size", None),
            network=generator,
        )

    def given(
        self,
        generator: str | os.PathLike | Generator | None,
        size: int | None,
        device: str | None,
    ) -> Self:
        """The same, found or run otherwise where that is given."""
        source = replace(self, size=self.size if size is None else size, device=device)
        if generator is None:
            return source
        if isinstance(generator, str | os.PathLike):
            return replace(source, name=os.fspath(generator))
        return replace(source, network=generator)

    def attached(self, generator: Generator, layer: str) -> Self:
        """The same with this network.

        Raises:
            CheckpointError: it is another one.
        """
        return replace(self, network=self._checked(generator, layer))

    def generator(self, layer: str) -> Generator:
        """The network with this layer; loaded once for all that have the same source.

        Raises:
            CheckpointError: it is not there, or not the one that the digest names.
        """
        if self.network is not None:
            return self._checked(self.network, layer)
        if not self.name:
            raise InputError(
                "the character's generator was an object of the user's own; give it: "
                "load_character(path, generator=…)"
            )
        return _loaded(self, layer)

    def _checked(self, generator: Generator, layer: str) -> Generator:
        found = digest_without_size(digest_of(generator))
        if found != self.digest:
            raise CheckpointError(
                f"the character lives in the generator {self.digest or 'without a digest'} "
                f"({self.name or 'an object'}), not in {found or 'one without a digest'}; "
                "give that one by --generator, or generator="
            )
        if layer in generator.layers:
            return generator
        return generator.with_layer(layer)


@lru_cache(maxsize=4)
def _loaded(source: Source, layer: str) -> Generator:
    try:
        network = resolve_generator(
            source.name, source.device, source.psi, source.trunc_layers, source.size
        )
    except CheckpointError as error:
        raise CheckpointError(
            f"{error} (the character's generator; another place of it: --generator, or generator=)"
        ) from error
    return source._checked(network, layer)
