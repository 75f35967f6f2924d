"""Settings of finding, completed and checked with what the methods know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from property_cnn.common.checks import choose
from property_cnn.common.errors import InputError
from property_cnn.properties import CONTROLLED, PROPERTIES
from vectorfind.config import ALL, LAYERS, RAW, SIGMA, FindSettings
from vectorfind.methods.registry import method_named, method_names


def check_settings(settings: FindSettings, scored: Collection[str] = PROPERTIES) -> None:
    """Raises InputError for a setting that is not allowed, naming those that are.

    Whether there is such a layer only the generator can tell.

    Args:
        settings: complete or not.
        scored: the properties that the scorer reads.
    """
    method = method_named(settings.method)
    if not method.findable:
        choose("method", settings.method, method_names())
    settings.validate(scored)
    given = tuple(scored) if settings.properties == ALL else settings.properties
    properties = CONTROLLED if given is None else given
    if settings.keep and not any(method.of(name).takes_keep for name in properties):
        raise InputError(
            f"keep is for decoupled directions, not for those by {method.label}; give method "
            "decoupled"
        )
    method.check_properties(properties)


def complete_settings(
    settings: FindSettings,
    layers: Sequence[str],
    scored: Collection[str],
    offered: Collection[str] = (),
) -> FindSettings:
    """The settings, with what was left open chosen to suit method, networks and device; checked.

    A layer that was left open is the method's own if the generator has it, else its w or its last;
    units that were are raw where there are the reference system's layers, else sigma.

    Args:
        settings: any.
        layers: the generator's, nearest to the image last.
        scored: the properties that the scorer reads.
        offered: the layers that the generator has when it is asked for them.

    Raises:
        InputError: a setting is not allowed.
    """
    layer = method_named(settings.method).layer
    if layer not in layers and layer not in offered:
        layer = "w" if "w" in layers else list(layers)[-1]
    units = RAW if set(LAYERS) <= set(layers) else SIGMA
    settings = replace(settings.resolve(layer, scored), units=settings.units or units)
    check_settings(settings, scored)
    return settings
