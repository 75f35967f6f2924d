"""A discriminator with the structure and the weights of the property CNN.

The reference's remedy for a discriminator that cannot tell properties: begin with one that can.
Realness is read off the CNN's last features and scores; a label enters as the product with one
output a property, as in the projection discriminator (Miyato & Koyama, 2018).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from property_cnn.network.cnn import PropertyCNN
from property_cnn.properties import PROPERTIES

HEAD_STD = 0.01
"""Standard deviation of the head's first weights: it starts with almost no opinion."""


class PropertyDiscriminator(nn.Module):
    """Realness logits of images with labels, through a property CNN.

    Args:
        body: trained property CNN; a copy is taken. Its batch normalisation keeps the statistics
            of its own training, so that an image's logit does not depend on its batch.
        labels: properties that the label holds, in its order.
        seed: of the head's first weights.
    """

    def __init__(self, body: PropertyCNN, labels: tuple[str, ...], seed: int = 0):
        super().__init__()
        self.body = copy.deepcopy(body).cpu()
        self.columns = [PROPERTIES.index(name) for name in labels]
        inputs = len(self.body.hidden) * self.body.settings.features + len(PROPERTIES)
        rng = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(1 + len(labels), inputs, generator=rng) * HEAD_STD)
        self.bias = nn.Parameter(torch.zeros(1 + len(labels)))

    def train(self, mode: bool = True) -> PropertyDiscriminator:
        """Sets the mode; the body's normalisation stays as in evaluation."""
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        """Logits (N,) of (N, 3, S, S) images in [-1, 1] and (N, L) labels."""
        return self.judge(images, label)[0]

    def judge(self, images: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,), and the body's scores (N, L) of the label's properties."""
        images = images.contiguous(memory_format=torch.channels_last)
        features, scores = self.body.features_and_scores(images)
        outputs = nn.functional.linear(torch.cat([features, scores], dim=1), self.weight, self.bias)
        logits = outputs[:, 0] + (outputs[:, 1:] * label).sum(dim=1)
        return logits, scores[:, self.columns]
