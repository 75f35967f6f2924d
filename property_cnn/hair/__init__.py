"""Hair masks by a small network distilled from a face-parsing teacher, and what they are for.

segmenter = property_cnn.hair.load_hair_segmenter()
masks = segmenter(images)                       # (N, 3, H, W) in [-1, 1] -> (N, 1, H, W) in [0, 1]

The network is trained by `property_cnn.segmentation` on `data`; the dye is `ombre.ombre`.
"""

from property_cnn.common.prompt import lazy_names

__all__ = [
    "EffiSegNet",
    "HairSegmenter",
    "load_hair_segmenter",
    "load_teacher",
    "mask_scores",
    "save_student",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "EffiSegNet": "property_cnn.segmentation.networks.effisegnet",
        "HairSegmenter": "property_cnn.hair.segmenter",
        "load_hair_segmenter": "property_cnn.hair.segmenter",
        "load_teacher": "property_cnn.hair.teacher",
        "mask_scores": "property_cnn.segmentation.metrics",
        "save_student": "property_cnn.segmentation.networks.files",
    },
)
