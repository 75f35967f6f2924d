"""Heads of MobileStyleGAN for images of 128 and 256 pixels, fitted on its own features.

    vectorfind fetch mobilestylegan
    python examples/photo_heads.py mobilestylegan heads.safetensors

The package ships them in `stylegan_ft/weights`. It takes some 10 minutes on one core, goes on where
it was stopped, and prints what share of the variance of images held out the heads make.
"""

from __future__ import annotations

import sys

from property_cnn.common.tasks import one_thread
from stylegan_ft.generator import generator_path
from stylegan_ft.training.heads import HeadSettings, train_heads


@one_thread()
def main(generator: str, out: str) -> None:
    settings = HeadSettings()
    print(settings)
    for size, fit in train_heads(generator_path(generator), out, settings).items():
        print(f"{size}: R2 {fit.r2:.4f} of the image, {fit.low_r2:.4f} of its half")


if __name__ == "__main__":
    main(*sys.argv[1:])
