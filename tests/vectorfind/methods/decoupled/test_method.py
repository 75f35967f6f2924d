"""Decoupled directions of planted scores: closed forms, what is kept, identity, files, errors."""

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import DecoupledSettings, FindSettings
from vectorfind.methods.decoupled.identity import embedder_of
from vectorfind.models.pair import Models

MIXED = ("eyes", "mouth", "pose")


def mixing(scores):
    """Eyes, mouth and pose that share parts of each other and of the hair's length."""
    eyes, hair, mouth, pose = (
        scores[:, PROPERTIES.index(n)] for n in ("eyes", "hair_length", *MIXED[1:])
    )
    mixed = scores.clone()
    mixed[:, PROPERTIES.index("eyes")] = eyes + 0.6 * mouth + 0.5 * hair
    mixed[:, PROPERTIES.index("mouth")] = mouth - 0.5 * pose
    return mixed


def find(scorer=None, **options):
    options = {"n": 1500, "layer": "w", "method": "decoupled", "group_by": ()} | options
    return vectorfind.find_directions(
        generator=ToyGenerator(),
        scorer=scorer or ToyScorer(mixing),
        workers=1,
        quiet=True,
        **options,
    )


def slopes(directions):
    """(P, A) what a step along each direction does to the bands, mixed as the scorer reads them."""
    w = np.stack([directions.fields[name].of_groups()[0] for name in directions.properties])
    return directions.models.read(w, "w")


@pytest.mark.parametrize("jacobian", ["linear", "exact"])
def test_a_direction_moves_its_own_score_alone_and_what_is_kept_not_at_all(jacobian):
    settings = DecoupledSettings(jacobian=jacobian, damping=0.0, faces=40)
    found = slopes(find(decoupled=settings, keep=("hair_length",)))
    own = [PROPERTIES.index(name) for name in MIXED]
    for place, column in enumerate(own):
        others = [other for other in own if other != column] + [PROPERTIES.index("hair_length")]
        assert found[place, column] > 0.3
        assert np.abs(found[place, others]).max() < 0.01 * found[place, column]
    ridge = slopes(find(method="ridge"))
    assert np.abs(ridge[0, own[1]]) > 0.2 * ridge[0, own[0]]  # without it they leak


def test_what_is_not_kept_leaks_and_damping_lies_between():
    hair, eyes = PROPERTIES.index("hair_length"), PROPERTIES.index("eyes")
    leaks = []
    for options in (
        {"keep": ("hair_length",), "decoupled": DecoupledSettings(damping=0.0)},
        {"keep": ("hair_length",), "decoupled": DecoupledSettings(damping=1.0)},
        {},
    ):
        found = slopes(find(**options))
        leaks.append(found[0, hair] / found[0, eyes])
    assert abs(leaks[0]) < 0.01 < leaks[1] < leaks[2]


def test_directions_stay_in_the_leading_components_where_asked():
    found = find(decoupled=DecoupledSettings(components=4), n=3000)
    directions = np.stack([field.of_groups()[0] for field in found.fields.values()])
    assert np.linalg.matrix_rank(directions, tol=1e-4) == 3
    with pytest.raises(InputError, match=r"do not move apart|move as one"):
        find(decoupled=DecoupledSettings(components=2))


def test_derivatives_of_bent_scores_are_averaged_over_a_neighbourhood():
    def bent(scores):
        return torch.tanh(scores) + 0.2 * scores.roll(1, dims=1)

    options = DecoupledSettings(jacobian="exact", faces=60, spread=0.3)
    one, again = (find(ToyScorer(bent), decoupled=options) for _ in range(2))
    for name in MIXED:
        assert one.fields[name].of_groups().tobytes() == again.fields[name].of_groups().tobytes()
        assert one.fields[name].fits()[0].measure == "corr"
        assert one.fields[name].fits()[0].value > 0.7


class Persons(ToyScorer):
    """A scorer whose embeddings are three of the bands, bent."""

    TOLD = ("hair_color", "background_mean", "hair_length")

    def scores_and_embeddings(self, images):
        bands = ToyScorer()(images)
        told = bands[:, [PROPERTIES.index(name) for name in self.TOLD]]
        return self(images), torch.cat([told, told.sin()], dim=1)


def leaning(scores):
    """The first score goes with what tells persons apart."""
    mixed = scores.clone()
    for name in Persons.TOLD:
        mixed[:, 0] += 0.5 * scores[:, PROPERTIES.index(name)]
    return mixed


def test_identity_is_kept():
    columns = [PROPERTIES.index(name) for name in Persons.TOLD]
    settings = DecoupledSettings(damping=0.001, faces=400)
    free, kept = (
        slopes(find(Persons(leaning), keep=keep, decoupled=settings, properties=("eyes", "mouth")))
        for keep in ((), ("identity",))
    )
    assert np.abs(free[0, columns]).min() > 0.1 * free[0, 0]
    assert np.abs(kept[0, columns]).max() < 0.05 * kept[0, 0]


def test_who_tells_persons_where_the_scorer_does_not(monkeypatch):
    asked = []

    def resolve(name):
        asked.append(name)
        return Persons(mixing)

    monkeypatch.setattr("vectorfind.models.protocols.resolve_scorer", resolve)
    models = Models(ToyGenerator(), ToyScorer(mixing))
    assert embedder_of(models).tells_identity
    assert asked == ["dlib"]
    assert embedder_of(Models(ToyGenerator(), Persons(mixing))).tells_identity
    assert asked == ["dlib"]


def test_identity_that_cannot_be_told_is_said():
    class Nobody(Persons):
        def scores_and_embeddings(self, images):
            return self(images), torch.full((len(images), 4), torch.nan)

    with pytest.raises(InputError, match="can be told of 0 of 500 samples"):
        find(Nobody(), keep=("identity",))


def test_directions_are_found_by_group_tested_saved_and_loaded(tmp_path):
    found = find(group_by=("hair_color",), keep=("hair_length",))
    assert found.groups.tolist() == ["h", "l"]
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.settings.keep == ("hair_length",)
    assert loaded.settings.decoupled == found.settings.decoupled
    assert loaded.fits() == found.fits()


def test_one_property_of_a_composition_leaves_the_others_alone():
    found = slopes(find(method={"eyes": "decoupled", "mouth": "svm", "pose": "svm"}))
    assert abs(found[0, PROPERTIES.index("mouth")]) < 0.01 * found[0, 0]


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="score to keep"):
        find(keep=("smile",))
    with pytest.raises(InputError, match="mouth shall be kept and moved"):
        find(keep=("mouth",))
    with pytest.raises(InputError, match="keep is for decoupled directions, not for those by SVM"):
        find(method="svm", keep=("hair_length",))
    with pytest.raises(InputError, match="jacobian"):
        DecoupledSettings(jacobian="guessed")
    with pytest.raises(
        InputError, match="jacobian exact takes layers whose vectors move as a whole"
    ):
        find_part()


def find_part():
    class Part(ToyGenerator):
        editable = {"w": (0, 4)}  # noqa: RUF012

    return vectorfind.find_directions(
        300, "w", "decoupled", generator=Part(), scorer=ToyScorer(), group_by=(), workers=1,
        quiet=True, decoupled=DecoupledSettings(jacobian="exact"),
    )  # fmt: skip


def test_settings_of_files_before_there_were_any_are_read():
    stored = FindSettings(properties=MIXED, group_by=()).as_stored()
    assert not {"keep", "decoupled", "components"} & set(stored)
    assert FindSettings.from_stored(stored) == FindSettings(properties=MIXED, group_by=())
    kept = FindSettings(
        properties=MIXED, group_by=(), method="decoupled", keep=("hair_length",),
        decoupled=DecoupledSettings(damping=1.0),
    )  # fmt: skip
    assert FindSettings.from_stored(kept.as_stored()) == kept
