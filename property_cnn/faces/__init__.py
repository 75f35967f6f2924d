"""Rendered faces: portraits with full parsing maps and known attributes, made from nothing."""

from property_cnn.faces.attributes import ATTRIBUTES, attributes_from_normal, sample_attributes
from property_cnn.faces.classes import Part
from property_cnn.faces.renderer import VERSION, render_both, render_faces, render_parsing

__all__ = [
    "ATTRIBUTES",
    "VERSION",
    "Part",
    "attributes_from_normal",
    "render_both",
    "render_faces",
    "render_parsing",
    "sample_attributes",
]
