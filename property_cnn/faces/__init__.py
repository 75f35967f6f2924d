"""Rendered faces: portraits with full parsing maps and known attributes, made from nothing.

Networks learn from them where no photographs may be shipped: `sample_attributes` draws what a
face is like, `render_faces` and `render_parsing` draw it and its classes, pixel by pixel.
"""

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
