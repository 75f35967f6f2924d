"""Making a generator: weights and card are written once, and again only when something changed."""

import dataclasses

import pytest
import torch
from PIL import Image

from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.scorer import Scorer
from property_cnn.properties import PROPERTIES
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import load_discriminator, load_network
from stylegan_ft.training import card
from stylegan_ft.training.adversarial import TrainSettings, train
from stylegan_ft.training.make import GeneratorRecipe, make_generator
from stylegan_ft.training.pretraining import PretrainSettings

TINY = GeneratorRecipe(
    GeneratorConfig(
        resolution=32, z_dim=64, channels=(8, 8, 8, 8), hidden_dim=16, wide_dim=24, w_dim=16
    ),
    PretrainSettings(images=(8, 8, 8), warmup_steps=2, batch_size=4),
    TrainSettings(images=16, batch_size=4, warm_discriminator=1, d_channels=None),
)


@pytest.fixture
def scorer():
    torch.manual_seed(0)
    network = PropertyCNN(NetworkSettings(resolution=32, width=2, features=2)).eval()
    return Scorer(network, "cpu")


def test_make_writes_weights_card_and_pictures_then_is_up_to_date(tmp_path, scorer, monkeypatch):
    monkeypatch.setattr(card, "SAMPLES", 64)
    lines = []
    path = make_generator(
        tmp_path / "out", tmp_path / "work", scorer, TINY, log=lines.append, note="by a test"
    )
    network, metadata = load_network(path)
    assert network.config == TINY.config
    assert scorer.digest in metadata["recipe"]
    start = GeneratorNetwork(TINY.config)
    _, trained = train(start, TINY.train, tmp_path / "work" / "train", report=lines.append)
    judge = load_discriminator(tmp_path / "out" / "discriminator.safetensors").state_dict()
    for name, tensor in trained.state_dict().items():
        torch.testing.assert_close(judge[name], tensor, rtol=1e-3, atol=1e-6)  # half precision
    text = (tmp_path / "out" / "generator.md").read_text("utf-8")
    assert all(
        name in text
        for name in (*PROPERTIES, "mapping_split1", "Fréchet", "make models", "by a test")
    )
    assert Image.open(tmp_path / "out" / card.SAMPLES_PNG).size == (16 * 32, 4 * 32)
    assert Image.open(tmp_path / "out" / card.NEIGHBOURS_PNG).size == (8 * 64, 3 * 64)

    before = path.stat().st_mtime_ns
    make_generator(tmp_path / "out", tmp_path / "work", scorer, TINY, log=lines.append)
    assert path.stat().st_mtime_ns == before
    assert "up to date" in lines[-1]

    scratch = dataclasses.replace(TINY, pretrain=None)
    make_generator(tmp_path / "out", tmp_path / "other", scorer, scratch, log=lines.append)
    assert path.stat().st_mtime_ns != before
    assert "pretrained" not in (tmp_path / "out" / "generator.md").read_text("utf-8")
