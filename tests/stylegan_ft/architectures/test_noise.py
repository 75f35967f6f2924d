"""Noise of a loaded generator: the stored one, none as the definition has it, or a seed's."""

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.noise import with_noise
from stylegan_ft.generator import load_generator


def images(noise: str | None = None) -> torch.Tensor:
    options = {} if noise is None else {"noise": noise}
    generator = load_generator("base", "cpu", options=options)
    random = torch.Generator().manual_seed(2)
    z = torch.randn(2, generator.z_dim, generator=random)
    label = torch.rand(2, generator.label_dim, generator=random)
    return generator.synthesize(generator.map(z, label)["w"], "w")


def test_a_generator_may_be_loaded_with_another_noise():
    stored, none, seven = images(), images("none"), images("7")
    assert torch.equal(stored, images("const"))
    assert torch.equal(seven, images("7"))
    apart = [float((a - b).abs().mean()) for a, b in ((stored, none), (stored, seven))]
    assert all(1e-4 < each < 0.2 for each in apart)  # the same faces, other grain


def test_its_digest_tells():
    digests = {
        name: load_generator(name, "cpu").digest
        for name in ("base", "base?noise=const", "base?noise=none", "base?noise=7", "base?noise=8")
    }
    assert digests["base"] == digests["base?noise=const"]
    assert len(set(digests.values())) == 4


def test_drawn_noise_is_as_strong_as_the_stored_one():
    state = {"a.noise": 3 * torch.randn(200, 200), "b.noise_const": torch.zeros(4, 4)}
    state["a.weight"] = torch.ones(3)
    drawn = with_noise(state, "5")
    assert float(drawn["a.noise"].std()) == pytest.approx(3.0, rel=0.03)
    assert torch.equal(drawn["b.noise_const"], torch.zeros(4, 4))
    assert drawn["a.weight"] is state["a.weight"]
    assert not with_noise(state, "none")["a.noise"].any()


@pytest.mark.parametrize("given", ["random", "-1", "1.5", "9" * 30])
def test_other_words_are_refused(given):
    with pytest.raises(InputError, match="const, none or a seed"):
        with_noise({}, given)
