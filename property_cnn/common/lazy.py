"""What is imported on first use: public names, and packages that only an extra installs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType

from property_cnn.common.errors import MissingError


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package (PEP 562).

    Args:
        package: its name, for the error of an unknown name.
        homes: public name -> module that defines it.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find


def extra_module(name: str, extra: str) -> ModuleType:
    """A module that an extra of vectorfind installs.

    Raises:
        MissingError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingError(
            f"this needs {package}, which is not installed: pip install 'vectorfind[{extra}]'"
        ) from error
