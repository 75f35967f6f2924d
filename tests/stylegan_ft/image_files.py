"""Images as the files of an image folder."""

from pathlib import Path

from property_cnn.pictures import encoded


def write_images(folder, names, images):
    """Writes images (N, 3, H, W) uint8 as PNG files of these names."""
    for name, image in zip(names, images, strict=True):
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(image.permute(1, 2, 0).numpy(), quick=True))
