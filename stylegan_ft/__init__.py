"""StyleGAN generators: networks, checkpoints, and their training.

generator = stylegan_ft.load_generator()
layers = generator.map(z, label)                        # name -> (N, dimensions)
images = generator.synthesize(layers["w"], "w")         # (N, 3, R, R) in [-1, 1]
"""

from property_cnn.common.prompt import lazy_names

__all__ = [
    "Discriminator",
    "Generator",
    "GeneratorConfig",
    "GeneratorNetwork",
    "load_generator",
    "save_generator",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Discriminator": "stylegan_ft.architectures.stylegan1.discriminator",
        "Generator": "stylegan_ft.generator",
        "GeneratorConfig": "stylegan_ft.architectures.stylegan1.network",
        "GeneratorNetwork": "stylegan_ft.architectures.stylegan1.network",
        "load_generator": "stylegan_ft.generator",
        "save_generator": "stylegan_ft.formats.checkpoint",
    },
)
