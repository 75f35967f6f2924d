"""What may be asked of the server, as OpenAPI 3.1 says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vectorfind import __version__
from vectorfind.characters.character import DYE
from vectorfind.studio.serving.asking import names_of
from vectorfind.studio.serving.entries import Entry
from vectorfind.studio.serving.settings import FORMS, LEAST_SIDE, MOST_SIDE

_ERRORS = {
    400: "a name or a value is not allowed",
    404: "there is no such character",
    413: "the query or the body is too long",
    429: "too many requests; Retry-After tells when",
    503: "too many pictures wait; Retry-After tells when",
}


def openapi(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """The document, with the ids and sliders of these characters."""
    slots = _slots(entries)
    query = [
        {"name": name, "in": "query", "required": name == "character", "schema": schema}
        for name, schema in slots.items()
    ]
    body = {"type": "object", "properties": slots, "required": ["character"]}
    body["additionalProperties"] = False
    ids = {"name": "id", "in": "path", "required": True, "schema": slots["character"]}
    render = {
        "get": {"summary": "A picture.", "parameters": query, "responses": _picture()},
        "post": {
            "summary": "A picture.",
            "requestBody": {"required": True, "content": _content("application/json", body)},
            "responses": _picture(),
        },
    }
    thumbnail = {"summary": "The unedited face.", "parameters": [ids]}
    thumbnail["responses"] = _responses(_content("image/png"), 404)
    return {
        "openapi": "3.1.0",
        "info": {"title": "vectorfind serve", "version": __version__},
        "paths": {
            "/characters": {"get": _json("All characters, their sliders and what they reach.")},
            "/characters/{id}/thumbnail": {"get": thumbnail},
            "/render": render,
            "/schema": {"get": _json("This document.")},
        },
    }


def _slots(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Parameter -> schema of its values; a character has some of the sliders."""
    sliders = {
        name: {
            "type": "number",
            "minimum": -1,
            "maximum": 1,
            "description": "Slider of "
            + ", ".join(id for id in entries if name in entries[id].character.properties),
        }
        for name in names_of(entries.values())
    }
    dye = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in DYE}
    dye["ombre_color"] = {
        "anyOf": [dye["ombre_color"], {"enum": ["none", None]}],
        "description": "Hue, or none for hair without a dye.",
    }
    return {
        "character": {"type": "string", "enum": list(entries)},
        **sliders,
        **dye,
        "format": {"type": "string", "enum": list(FORMS), "default": "png"},
        "size": {"type": "integer", "minimum": LEAST_SIDE, "maximum": MOST_SIDE},
    }


def _picture() -> dict[str, Any]:
    content = {}
    for form in FORMS:
        content |= _content(f"image/{form}")
    found = _responses(content, *_ERRORS)
    found["200"]["headers"] = {
        "X-Clipped": {
            "description": "Names of the numbers that were out of range.",
            "schema": {"type": "string"},
        }
    }
    return found


def _json(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": _responses(_content("application/json"))}


def _content(kind: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {kind: {"schema": schema} if schema else {}}


def _responses(content: Mapping[str, Any], *errors: int) -> dict[str, Any]:
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    told = {
        str(status): {
            "description": _ERRORS[status],
            "content": _content("application/json", error),
        }
        for status in errors
    }
    return {"200": {"description": "as asked", "content": content}, **told}
