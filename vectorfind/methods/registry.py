"""The methods of finding directions, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from property_cnn.common.checks import choose
from property_cnn.common.errors import InputError
from vectorfind.methods.base import DirectionField, Method
from vectorfind.methods.components.method import ComponentMethod
from vectorfind.methods.components.pca import PCA
from vectorfind.methods.components.sefa import SEFA
from vectorfind.methods.components.stylespace import STYLESPACE
from vectorfind.methods.composition import MIXED, Composition
from vectorfind.methods.decoupled.method import DECOUPLED
from vectorfind.methods.gradient.method import GRADIENT
from vectorfind.methods.imported import IMPORTED
from vectorfind.methods.linear.interfacegan import INTERFACEGAN
from vectorfind.methods.linear.logistic import LOGISTIC
from vectorfind.methods.linear.ridge import RIDGE
from vectorfind.methods.svm import SVM

_METHODS = (
    SVM, GRADIENT, MIXED, DECOUPLED, RIDGE, LOGISTIC, INTERFACEGAN, PCA, SEFA, STYLESPACE, IMPORTED,
)  # fmt: skip
_methods: dict[str, Method] = {method.name: method for method in _METHODS}

METHODS: Mapping[str, Method] = MappingProxyType(_methods)
"""Name -> method; to add one, see `register`."""


def register(method: Method) -> Method:
    """Adds a method, which everything then knows by its name; returns it.

    Raises:
        InputError: the name is taken or cannot be one, or a kind of its fields is taken.
    """
    if method.name in METHODS:
        raise InputError(f"there is a method {method.name!r} already; choose another name")
    if not method.name or set(method.name) & set("=,/\\ "):
        raise InputError(f"method {method.name!r}: a name has no spaces, commas, = or slashes")
    for field in method.fields:
        if _kinds().get(field.kind, field) is not field:
            raise InputError(f"there are fields of the kind {field.kind!r} already; name it anew")
    _methods[method.name] = method
    return method


def unregister(name: str) -> None:
    """Takes a method out again."""
    choose("method", name, METHODS)
    del _methods[name]


def method_names() -> tuple[str, ...]:
    """Names of the methods that directions can be found by."""
    return tuple(name for name, method in METHODS.items() if method.findable)


def component_names() -> tuple[str, ...]:
    """Names of the methods that choose among components."""
    return tuple(name for name, each in METHODS.items() if isinstance(each, ComponentMethod))


def method_named(text: str) -> Method:
    """The method of a name, or of names by property, as in "eyes=gradient,mouth=svm,pose=svm".

    Raises:
        InputError: there is no such method, or a property stands twice.
    """
    if "=" not in text:
        return METHODS[choose("method", text, method_names() if text not in METHODS else METHODS)]
    methods: dict[str, Method] = {}
    for part in text.split(","):
        name, _, method = (word.strip() for word in part.partition("="))
        if not name or name in methods:
            raise InputError(f"method {text!r} is no list PROPERTY=METHOD,… of each property once")
        methods[name] = METHODS[choose(f"method of {name}", method, method_names())]
    return Composition(text, methods)


def component_method(name: str) -> ComponentMethod:
    """The method of a name, of those that choose among components.

    Raises:
        InputError: it is none of these.
    """
    return METHODS[choose("method of components", name, component_names())]


def composed(methods: Mapping[str, str]) -> str:
    """property -> method's name as the text that `method_named` reads."""
    return ",".join(f"{name}={method}" for name, method in methods.items())


def field_kind(kind: str) -> type[DirectionField]:
    """The class of fields of a kind.

    Raises:
        ValueError: no method gives such.
    """
    if kind not in _kinds():
        raise ValueError(f"no method gives directions of the kind {kind!r}; register one that does")
    return _kinds()[kind]


def default_strengths(method: str, properties: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The grid's strengths of each property, in the order of `properties`, by a method's name."""
    return method_named(method).default_strengths(properties)


def _kinds() -> dict[str, type[DirectionField]]:
    return {field.kind: field for method in METHODS.values() for field in method.fields}
