"""Fine-tuning of a base generator: labels into it, a concept out of it (docs/finetuning.md).

data = load_real_images("concept-images", variant_named("v9").labels, base.config.resolution)
generator = finetune("v9", base, data, "runs/v9", judges=Judges(classifiers=classifiers))
"""

from property_cnn.common.prompt import lazy_names

__all__ = [
    "FinetuneSettings",
    "Judges",
    "RealImages",
    "finetune",
    "load_real_images",
    "plain_generator",
    "variant_named",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FinetuneSettings": "stylegan_ft.finetune.settings",
        "Judges": "stylegan_ft.finetune.run",
        "RealImages": "stylegan_ft.finetune.data",
        "finetune": "stylegan_ft.finetune.run",
        "load_real_images": "stylegan_ft.finetune.data",
        "plain_generator": "stylegan_ft.finetune.plain",
        "variant_named": "stylegan_ft.finetune.settings",
    },
)
