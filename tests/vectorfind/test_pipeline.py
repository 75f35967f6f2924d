"""Finding and evaluating from the outside: the calls in the package's documentation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError, ScorerError, VectorfindError
from tests.vectorfind.conftest import SETTINGS, ToyGenerator, ToyScorer
from vectorfind.config import FindSettings
from vectorfind.pipeline import evaluate, find, fit_samples
from vectorfind.sampling.sampler import sample

TOYS = {"group_by": ("hair_color",), "workers": 1, "quiet": True}


def find_toy(generator=None, scorer=None, **options):
    return vectorfind.find_directions(
        **TOYS | options, generator=generator or ToyGenerator(), scorer=scorer or ToyScorer()
    )


def cosines(directions, layer):
    truth = directions.models.generator.truth(layer)
    columns = [directions.scored.index(name) for name in directions.properties]
    latents = np.random.default_rng(0).standard_normal((30, truth.shape[1])).astype(np.float32)
    groups = np.resize(directions.groups, 30)
    return np.einsum("npd,pd->np", directions.vectors(latents, groups), truth[columns])


@pytest.mark.parametrize("layer", ["mapping_split1", "mapping_split2", "w"])
def test_svm_recovers_the_planted_directions_with_their_sign(layer):
    directions = find_toy(n=6000, layer=layer, batch_size=512)
    assert cosines(directions, layer).min() > 0.98
    assert min(directions.curve_columns().values()) > 0.95


@pytest.mark.parametrize("layer", ["mapping_split1", "mapping_split2", "w"])
def test_gradient_recovers_the_planted_directions_with_their_sign(layer):
    directions = find_toy(
        n=4000, layer=layer, method="gradient", properties=("mouth",), batch_size=512,
        gradient=replace(SETTINGS.gradient, max_epochs=12),
    )  # fmt: skip
    assert cosines(directions, layer).mean() > 0.98
    assert cosines(directions, layer).min() > 0.9
    assert directions.fields["mouth"].metrics["corr"] > 0.98


def test_the_calls_of_the_documentation(tmp_path):
    directions = find_toy(n=600, layer="mapping_split2", method="svm", seed=0)
    evaluation = vectorfind.evaluate(directions, cases=4, quiet=True)
    assert isinstance(evaluation, vectorfind.Evaluation)
    z, label = torch.randn(3, 14), torch.randn(3, 2)
    assert directions.edit(z, label, eyes=1.2, mouth=-0.9).shape == (3, 3, 8, 8)
    directions.save(tmp_path / "directions.npz")
    loaded = vectorfind.load_directions(tmp_path / "directions.npz", ToyGenerator(), ToyScorer())
    assert isinstance(loaded, vectorfind.Directions)


@pytest.mark.parametrize("method", ["svm", "mixed"])
def test_repeats_workers_and_batch_sizes(tmp_path, method):
    options = {"n": 600, "method": method, "gradient": replace(SETTINGS.gradient, max_epochs=1)}
    saved = []
    for index, workers in enumerate((1, 1, 2)):
        find_toy(**options, workers=workers).save(tmp_path / f"{index}.npz")
        saved.append((tmp_path / f"{index}.npz").read_bytes())
    assert saved[0] == saved[1] == saved[2]
    vectors = [
        find_toy(**options, batch_size=size).vectors(np.zeros((1, 16), np.float32), ["h"])[0]
        for size in (7, 64)
    ]
    assert ((vectors[0] * vectors[1]).sum(axis=1) > 0.9999).all()


def test_seeds_give_other_directions():
    one, other = (find_toy(n=600, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.fields["eyes"].of_groups(), other.fields["eyes"].of_groups())


def test_one_group_without_grouping():
    directions = find_toy(n=400, group_by=())
    assert directions.groups.tolist() == ["all"]
    assert directions.fields["eyes"].of_groups().shape == (1, 16)


def test_too_few_samples_say_how_many_there_are_and_what_would_do():
    with pytest.raises(InputError, match=r"n=300 is too small for 16 groups: the smallest, \w{4}"):
        find_toy(n=300, group_by=FindSettings.group_by)
    with pytest.raises(InputError, match="40 readable samples are too few for a gradient network"):
        find_toy(n=40, method="gradient")


def test_the_advised_n_does():
    with pytest.raises(InputError) as error:
        find_toy(n=300, group_by=FindSettings.group_by)
    advised = int(str(error.value).split("try n=")[1].split(",")[0])
    find_toy(n=advised, group_by=FindSettings.group_by, properties=("eyes",), batch_size=512)


def test_unreadable_samples_are_left_out_and_counted():
    def spoil(scores):
        scores[::3] = torch.nan
        return scores

    directions = find_toy(scorer=ToyScorer(spoil), n=512, batch_size=64)
    assert directions.unreadable == 8 * 22
    assert directions.group_sizes.sum() == 512 - 8 * 22
    assert np.isfinite(directions.score_std).all()
    assert cosines(directions, "mapping_split2").min() > 0.9


@pytest.mark.parametrize("method", ["svm", "gradient"])
def test_a_constant_property_has_no_direction(method):
    def spoil(scores):
        scores[:, 3] = 2.0
        return scores

    with pytest.raises(ScorerError, match="every sample the same mouth, 2"):
        find_toy(scorer=ToyScorer(spoil), n=300, method=method)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "z"}, "unknown layer 'z'; choose one of mapping_split1, mapping_split2, w"),
        ({"method": "lda"}, "unknown method"),
        ({"properties": ("smile",)}, "unknown property 'smile'"),
        ({"properties": "eyes"}, "give a tuple, as"),
        ({"group_by": ("age",)}, "unknown grouping property 'age'"),
        ({"device": "abacus", "generator": "default"}, "device 'abacus'|no file|not"),
    ],
)
def test_wrong_settings_are_refused_before_any_sampling(options, message):
    generator = ToyGenerator()
    with pytest.raises(VectorfindError, match=message):
        find_toy(**{"n": 10**7, "generator": generator} | options)
    assert generator.mapped == 0


def test_a_users_own_names_need_nothing_of_the_shipped_ones():
    class Own:
        z_dim, label_dim, layers = 4, 0, {"latent": 4}

        def map(self, z, label):
            assert label is None
            return {"latent": z}

        def synthesize(self, latents, layer):
            return latents[:, None, None].expand(-1, 3, 2, -1)

    class Reader:
        properties = ("smile", "yaw")

        def __call__(self, images):
            return images[:, 0, 0, :2]

    directions = vectorfind.find_directions(
        300, "latent", generator=Own(), scorer=Reader(), properties=("smile", "yaw"),
        group_by=(), workers=1, quiet=True, strengths={"smile": (-1, 0, 1)},
    )  # fmt: skip
    assert directions.fields["smile"].of_groups()[0, 0] > 0.95
    assert directions.edit(np.zeros((2, 4)), smile=1.0).shape == (2, 3, 2, 4)
    evaluation = vectorfind.evaluate(directions, cases=3, quiet=True)
    assert evaluation.strengths.shape == (9, 2)
    assert (evaluation.table["passed"] == "O").all()


def test_fits_from_samples_are_those_of_finding(models, samples, found):
    again = find(replace(SETTINGS), models.generator, models.scorer, quiet=True)
    assert np.array_equal(again.fields["pose"].of_groups(), found().fields["pose"].of_groups())
    assert fit_samples(models, sample(models, 700), SETTINGS).group_sizes.sum() == 700
    assert again.k == 400


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 10.5}, "n is 10.5; give a whole number"),
        ({"n": "100"}, "n is '100'"),
        ({"layer": 3}, "layer is 3; give a text"),
        ({"method": 5}, "method is 5; give a text"),
        ({"method": {"eyes": 5}}, "unknown method of eyes '5'"),
        ({"seed": 1.0}, "seed is 1.0"),
        ({"properties": 5}, "properties is 5; give a tuple"),
        ({"properties": (5,)}, "properties is 5; give a text"),
        ({"group_by": 5}, "group_by is 5; give a tuple"),
        ({"quantiles": 2.0}, "quantiles is 2.0"),
        ({"ratio": "5"}, "ratio is '5'"),
        ({"ratio": None}, "ratio is None"),
        ({"strengths": {"eyes": None}}, "strengths of eyes is None"),
        ({"strengths": {"eyes": "ab"}}, "strengths of eyes is 'ab'"),
        ({"strengths": 5}, "strengths is 5; give a mapping"),
        ({"dtype": 3}, "unknown dtype 3"),
        ({"psi": "half"}, "psi is 'half'"),
        ({"trunc_layers": 2.5}, "trunc_layers is 2.5"),
        ({"batch_size": 0.5}, "batch_size is 0.5"),
        ({"workers": True}, "workers is True"),
        ({"svm_c": None}, "svm_c is None"),
        ({"gradient": {}}, "gradient is {}; give a GradientSettings"),
        ({"device": 5}, "device is 5"),
        ({"generator": 5}, "the generator, a int, has no z_dim"),
        ({"scorer": 5}, "the scorer, a int, has no properties"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_is_allowed(options, message):
    with pytest.raises(InputError, match=message):
        find_toy(**{"n": 100} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": 2.0}, "cases is 2.0"),
        ({"seed": None}, "seed is None"),
        ({"strengths": {"eyes": 5}}, "strengths of eyes is 5"),
        ({"thresholds": "x"}, "thresholds is 'x'; give a mapping"),
        ({"thresholds": {"eyes": "x"}}, "thresholds of eyes is 'x'"),
        ({"control_cases": -1}, "control_cases is -1"),
        ({"bootstrap": 0}, "bootstrap is 0"),
        ({"hair": "yes"}, "hair is 'yes'; give True or False"),
    ],
)
def test_the_test_too_names_a_value_of_the_wrong_type(found, options, message):
    with pytest.raises(InputError, match=message):
        evaluate(found(), **options)


def test_what_is_tested_are_directions():
    with pytest.raises(InputError, match="directions is 5; give what find_directions"):
        evaluate(5)


def test_numpys_numbers_are_taken():
    settings = find_toy(n=np.int64(400), ratio=np.float32(0.25), seed=np.uint8(3)).settings
    assert (settings.n, settings.ratio, settings.seed) == (400, 0.25, 3)
    assert {type(settings.n), type(settings.ratio), type(settings.seed)} == {int, float}
