"""The concept that a fine-tune narrows to: four attributes, their classifiers and the filter.

classifiers = ConceptClassifiers.load("default")
probabilities = classifiers(images)      # (N, 3, H, W) in [-1, 1] -> (N, 4), columns CONCEPT
chosen = Thresholds().passes(probabilities)    # (N,) bool
"""

from property_cnn.common.prompt import lazy_names
from stylegan_ft.concept.settings import CONCEPT, EnsembleSettings, Thresholds

__all__ = [
    "CONCEPT",
    "SHIPPED",
    "ConceptClassifiers",
    "EnsembleSettings",
    "Thresholds",
    "make_classifiers",
    "rendered_labels",
    "train_member",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "SHIPPED": "stylegan_ft.concept.classifiers",
        "ConceptClassifiers": "stylegan_ft.concept.classifiers",
        "make_classifiers": "stylegan_ft.concept.make",
        "rendered_labels": "stylegan_ft.concept.rendered",
        "train_member": "stylegan_ft.concept.train",
    },
)
