"""SeFa: the closed form, planted weights named by their scores, layers, generators without."""

import copy

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError
from stylegan_ft.generator import StyleGANGenerator
from tests.stylegan_ft.stylegan2_by_hand import random_stylegan2
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.sefa import SEFA, eigenvectors
from vectorfind.models.callable_scorer import CallableScorer
from vectorfind.models.pair import Models
from vectorfind.sampling.sampler import editable_part, sample

GAINS = np.arange(8.0, 0.0, -1.0)


class StyledGenerator(ToyGenerator):
    """Its weights are the readout of the eight properties, the first the strongest."""

    def style_weights(self, layer):
        if layer != "w":
            raise InputError(f"layer {layer!r}: no affine layer takes its vectors; give w")
        return torch.tensor(GAINS)[:, None] * self.read.T


def test_eigenvectors_are_the_singular_vectors_of_the_weights():
    weights = np.random.default_rng(0).standard_normal((30, 6))
    _, _, expected = np.linalg.svd(weights)
    found = eigenvectors(weights)
    assert np.allclose(np.abs((found * expected).sum(axis=1)), 1.0)
    assert (found[np.arange(6), np.abs(found).argmax(axis=1)] > 0).all()
    lengths = np.linalg.norm(weights @ found.T, axis=0)
    assert (np.diff(lengths) < 0).all()


def test_a_property_takes_the_eigenvector_that_it_was_made_of(tmp_path):
    found = vectorfind.find_directions(
        1500, method="sefa", generator=StyledGenerator(), scorer=ToyScorer(), group_by=(),
        workers=1, quiet=True,
    )  # fmt: skip
    assert found.layer == "w"
    truth = StyledGenerator().truth("w")
    for name, field in found.fields.items():
        number = found.scored.index(name)
        assert field.components.tolist() == [number]
        assert field.of_groups()[0] @ truth[number] == pytest.approx(1.0, abs=1e-5)
        assert field.effect == pytest.approx(1.0, abs=1e-4)
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", StyledGenerator(), ToyScorer())
    assert loaded.fits() == found.fits()


@pytest.mark.parametrize("layer", ["w", "w+", "w+1-2"])
def test_at_the_layers_of_a_network_they_are_those_of_its_weights(layer):
    scorer = CallableScorer(lambda images: {"mean": images.mean(dim=(1, 2, 3))}, ("mean",))
    generator = StyleGANGenerator(random_stylegan2()).with_layer(layer)
    models = Models(generator, scorer)
    samples = editable_part(sample(models, 60, layers=(layer,), workers=1), models, layer)
    settings = FindSettings(n=60, layer=layer)
    task = FitTask(samples, {"all": np.arange(60)}, settings, ("mean",), models)
    field = SEFA.fit(task)["mean"]
    copies = generator.network.num_ws if layer == "w+" else 1
    assert field.size == 8 * copies
    expected = eigenvectors(generator.style_weights(layer).double().numpy())
    axis = field.of_groups()[0].reshape(copies, 8) * np.sqrt(copies)
    assert np.abs(axis @ expected[field.components[0]]) == pytest.approx(1.0, abs=1e-5)


def test_what_it_cannot_read_is_told_before_there_are_samples():
    generator = ToyGenerator()
    with pytest.raises(InputError, match="a ToyGenerator, has no style_weights"):
        vectorfind.find_directions(600, method="sefa", generator=generator, scorer=ToyScorer())
    styled = StyledGenerator()
    with pytest.raises(InputError, match="'mapping_split2': no affine layer"):
        vectorfind.find_directions(
            600, "mapping_split2", "sefa", generator=styled, scorer=ToyScorer()
        )
    assert generator.mapped == styled.mapped == 0


def test_weights_that_do_not_fit_the_layer_are_told():
    generator = copy.copy(StyledGenerator())
    generator.style_weights = lambda layer: np.ones((4, 3))
    with pytest.raises(InputError, match="take 3 numbers, but vectors of w have 8"):
        vectorfind.find_directions(
            600, method="sefa", generator=generator, scorer=ToyScorer(), quiet=True, workers=1
        )
