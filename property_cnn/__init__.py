"""Faces to learn from, the scores of their properties, and the network that reads those.

scorer = property_cnn.load_scorer()
scores = scorer(images)      # (N, 3, H, W) in [-1, 1] -> (N, 8), columns as in PROPERTIES
masks = property_cnn.load_hair_segmenter()(images)      # -> (N, 1, H, W) in [0, 1]
"""

from property_cnn.common.prompt import lazy_names
from property_cnn.properties import PROPERTIES

__all__ = [
    "PROPERTIES",
    "Scorer",
    "load_hair_segmenter",
    "load_scorer",
    "parsing_scores",
    "render_faces",
    "render_parsing",
    "sample_attributes",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "PropertyCNN": "property_cnn.network.cnn",
        "Scorer": "property_cnn.network.scorer",
        "load_hair_segmenter": "property_cnn.hair.segmenter",
        "load_scorer": "property_cnn.network.scorer",
        "parsing_scores": "property_cnn.face_scores",
        "render_faces": "property_cnn.faces",
        "render_parsing": "property_cnn.faces",
        "sample_attributes": "property_cnn.faces",
    },
)
