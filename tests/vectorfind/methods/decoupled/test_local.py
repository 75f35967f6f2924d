"""Decoupled directions by a network: closed forms of bent scores, derivatives, files, curved edits,
errors.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from tests.vectorfind.methods.decoupled.test_method import Persons, leaning
from vectorfind.config import DecoupledSettings, FindSettings, GradientSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.principal import Whitening
from vectorfind.methods.decoupled.columns import decoupled_columns
from vectorfind.methods.decoupled.local import LocalDecoupling, LocalField
from vectorfind.methods.decoupled.method import DECOUPLED
from vectorfind.methods.fields import FittedField
from vectorfind.methods.gradient.network import WEIGHTS, GradientNetwork
from vectorfind.sampling.sampler import Samples

QUICK = GradientSettings(learning_rate=2e-3, decay=0.85, max_epochs=10, dropout=0.0)
NETWORK = DecoupledSettings(jacobian="network", damping=0.0)
SPREADS = np.array([2.0, 1.0, 0.5, 1.0, 1.0])
ALL = np.array(["all"])


def bent_task(n=1200, jacobian="network", gradient=QUICK):
    """Normal vectors, and two scores whose derivatives turn: a wave that leans on the second
    number, and that number, which bends with the square of the first.
    """
    coordinates = np.random.default_rng(0).standard_normal((n, 5))
    first, second = coordinates[:, :2].T
    scores = np.stack([np.sin(first) + 0.5 * second, second + 0.6 * first**2], axis=1)
    samples = Samples(
        np.zeros((n, 1)), np.zeros((n, 0)), {"w": (coordinates * SPREADS).astype(np.float32)},
        scores.astype(np.float32), ("a", "b"), np.full(n, True),
    )  # fmt: skip
    settings = FindSettings(
        n=n, layer="w", method="decoupled", properties=("a", "b"), group_by=(), workers=1,
        gradient=gradient, decoupled=DecoupledSettings(jacobian=jacobian, damping=0.0),
    )  # fmt: skip
    return FitTask(samples, {"all": np.arange(n)}, settings, ("a", "b"))


def closed_form(vectors, task):
    """Unit directions (N, 2, 5) at vectors, by the scores' own derivatives."""
    first = vectors[:, 0] / SPREADS[0]
    jacobian = np.zeros((len(vectors), 2, 5))
    jacobian[:, 0, 0], jacobian[:, 0, 1] = np.cos(first), 0.5
    jacobian[:, 1, 0], jacobian[:, 1, 1] = 1.2 * first, 1.0
    jacobian /= task.samples.scores.std(axis=0)[:, None]
    columns = decoupled_columns(jacobian, np.diag(SPREADS), np.zeros(2)).swapaxes(1, 2)
    return columns / np.linalg.norm(columns, axis=2, keepdims=True)


@pytest.fixture(scope="module")
def fields():
    return DECOUPLED.fit(bent_task())


def test_directions_turn_with_the_vector_as_the_closed_form_does(fields):
    """At faces where the two scores can be told apart, as at first = 0.9 they cannot."""
    task = bent_task()
    linear = DECOUPLED.fit(bent_task(jacobian="linear"))
    first = np.linspace(-1.2, 0.4, 17)
    vectors = (np.stack([first, 0.3 + 0 * first, *np.zeros((3, 17))], axis=1) * SPREADS).astype("f")
    truth = closed_form(vectors, task)
    cosines = {}
    for name, some in (("network", fields), ("linear", linear)):
        found = np.stack([some[each].at(vectors, np.full(17, "all")) for each in "ab"], axis=1)
        np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, atol=1e-5)
        cosines[name] = (found * truth).sum(axis=2)
    assert cosines["network"].mean() > 0.98
    assert cosines["network"].min() > 0.9
    assert cosines["linear"].min() < 0.85
    assert (1 - cosines["network"]).mean() < 0.3 * (1 - cosines["linear"]).mean()


def test_quality_is_of_held_out_samples_and_groups_do_not_matter(fields):
    for field in fields.values():
        [fit] = field.fits()
        assert (fit.group, fit.measure) == ("all", "R²")
        assert 0.9 < fit.value < 1
        assert not field.depends_on_groups
    [quality] = {field.summary() for field in [fields["a"]]}
    assert quality == f"held-out R² {fields['a'].quality:.3f}"


def small(heads=("a", "b"), fixed=1, d=6, k=4):
    """A decoupling of random weights."""
    rng = np.random.default_rng(2)
    sizes = (k, 9, 5, len(heads))
    shapes = [s for i, o in pairwise(sizes) for s in ((o, i), (o,))]
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    network = GradientNetwork(
        tuple(heads), rng.standard_normal(k).astype("f"), 1.3, dict(zip(WEIGHTS, weights, strict=1))
    )
    axes = np.linalg.qr(rng.standard_normal((d, k)))[0].T * rng.uniform(0.5, 2, (k, 1))
    held = tuple(f"identity {number}" for number in range(fixed))
    damping = np.array([0.0] * len(heads) + [0.5] * fixed)
    return LocalDecoupling(
        Whitening(rng.standard_normal(d), axes), network, rng.standard_normal((fixed, k)), damping,
        held,
    )  # fmt: skip


def test_derivatives_are_those_of_finite_differences():
    decoupling = small()
    vectors = np.random.default_rng(3).standard_normal((7, 6))
    found = decoupling.jacobian(vectors)
    assert found.shape == (7, 3, 4)
    np.testing.assert_array_equal(found[:, 2], np.tile(decoupling.fixed, (7, 1)))
    white = decoupling.white
    coordinates = white.coordinates(vectors)
    for axis, step in enumerate(1e-3 * np.eye(4)):
        ends = [decoupling.network.predict(coordinates + way * step) for way in (1, -1)]
        np.testing.assert_allclose(found[:, :2, axis], (ends[0] - ends[1]) / 2e-3, atol=2e-3)


def test_directions_are_the_formula_s_columns_whatever_the_chunks(monkeypatch):
    decoupling = small()
    vectors = np.random.default_rng(3).standard_normal((7, 6))
    found = decoupling.directions(vectors, [1, 0])
    columns = decoupled_columns(
        decoupling.jacobian(vectors), decoupling.white.factor, decoupling.damping
    )[..., [1, 0]].swapaxes(1, 2)
    columns /= np.linalg.norm(columns, axis=2, keepdims=True)
    np.testing.assert_allclose(found, columns, atol=1e-6)
    monkeypatch.setattr("vectorfind.methods.decoupled.local.CHUNK", 20)  # a vector at a time
    np.testing.assert_allclose(decoupling.directions(vectors, [1, 0]), found, atol=1e-6)
    assert decoupling.directions(vectors[:0], [0]).shape == (0, 1, 6)


def test_what_has_no_fit_is_refused():
    decoupling = small()
    with pytest.raises(ValueError, match="has no c"):
        LocalField(decoupling, "c", 0.5)
    with pytest.raises(ValueError, match="damping of a decoupling"):
        replace(decoupling, damping=np.zeros(2))
    with pytest.raises(ValueError, match="fixed of a decoupling"):
        replace(decoupling, fixed=np.full((1, 4), np.nan))
    origin = np.zeros((1, 6))
    same = replace(decoupling, fixed=decoupling.jacobian(origin)[0, :1], damping=np.zeros(3))
    with pytest.raises(InputError, match="a and identity 0 move as one"):
        same.directions(origin, [0])


def bending(scores):
    """Eyes that open the mouth the more the wider they are, and hair that leans on eyes."""
    made = scores.clone()
    eyes, mouth, hair = (PROPERTIES.index(name) for name in ("eyes", "mouth", "hair_length"))
    made[:, mouth] = scores[:, mouth] + 0.5 * scores[:, eyes] ** 2
    made[:, hair] = scores[:, hair] + scores[:, eyes]
    return made


def find(scorer=None, n=1000, **options):
    options = {
        "method": "decoupled", "decoupled": NETWORK, "gradient": QUICK,
        "properties": ("eyes", "mouth"),
    } | options  # fmt: skip
    return vectorfind.find_directions(
        n, "w", generator=ToyGenerator(), scorer=scorer or ToyScorer(bending), group_by=(),
        workers=1, quiet=True, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return find(keep=("hair_length",))


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(3)
    return tuple(rng.standard_normal((20, k)).astype(np.float32) for k in (14, 2))


def test_a_curved_edit_leaves_the_other_score_where_a_straight_one_does_not(found, faces):
    mouth = PROPERTIES.index("mouth")
    before = found.models.score(found.edit(*faces))
    leaks = []
    for steps in (1, 8):
        after = found.models.score(found.edit(*faces, eyes=1.5, steps=steps))
        leaks.append(np.abs((after - before)[:, mouth]).mean())
    assert leaks[1] < 0.5 * leaks[0]


def test_the_same_seed_gives_the_same_bytes_and_files_hold_the_network_once(found, tmp_path):
    for name, directions in (("a", found), ("b", find(keep=("hair_length",)))):
        directions.save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    arrays = np.load(tmp_path / "a.npz", allow_pickle=False)
    assert [name for name in arrays if name.endswith("weight1")] == ["field0.weight1"]
    loaded = vectorfind.load_directions(tmp_path / "a.npz", ToyGenerator(), ToyScorer(bending))
    assert loaded.fits() == found.fits()
    assert loaded.settings.decoupled == NETWORK
    assert loaded.fields["eyes"].source is loaded.fields["mouth"].source
    w, groups = np.random.default_rng(0).standard_normal((5, 8)).astype("f"), np.full(5, "all")
    np.testing.assert_array_equal(loaded.vectors(w, groups), found.vectors(w, groups))
    stray = {name: arrays[name] for name in arrays}
    stray["field0.damping"] = stray["field0.damping"][:1]
    np.savez(tmp_path / "c.npz", **stray)
    with pytest.raises(CheckpointError, match="damping of a decoupling"):
        vectorfind.load_directions(tmp_path / "c.npz", ToyGenerator(), ToyScorer(bending))


def test_training_goes_on_from_a_checkpoint(tmp_path):
    task = bent_task(300, gradient=replace(QUICK, max_epochs=2))
    whole = DECOUPLED.fit(replace(task, checkpoint=tmp_path))["a"]
    assert len(list(tmp_path.iterdir())) == 1
    again = DECOUPLED.fit(replace(task, checkpoint=tmp_path))["a"]
    for name, array in whole.pack()[0].items():
        assert array.tobytes() == again.pack()[0][name].tobytes()


def test_identity_is_kept():
    columns = [PROPERTIES.index(name) for name in Persons.TOLD]
    settings = replace(NETWORK, damping=0.001, faces=300)
    leaks = []
    for keep in ((), ("identity",)):
        directions = find(Persons(leaning), keep=keep, decoupled=settings, properties=("eyes",))
        [eyes] = directions.vectors(np.zeros((1, 8), np.float32), ALL)[0]
        moved = directions.models.read(eyes[None], "w")[0]
        leaks.append(np.abs(moved[columns]).max() / moved[0])
    assert leaks[0] > 0.1
    assert leaks[1] < 0.05


def test_beside_other_methods_it_is_a_property_s_own():
    quick = replace(QUICK, max_epochs=2)
    mixed = find(method={"eyes": "decoupled", "mouth": "ridge"}, gradient=quick, n=600)
    kinds = [type(field) for field in mixed.fields.values()]
    assert kinds == [LocalField, FittedField]
    assert mixed.vectors(np.zeros((1, 8), np.float32), ALL).shape == (1, 2, 8)


def test_too_few_samples_scores_that_stay_and_files_of_groups_are_told(found):
    with pytest.raises(InputError, match="40 readable samples are too few"):
        find(n=40)

    def still(scores):
        made = scores.clone()
        made[:, PROPERTIES.index("hair_length")] = 1.0
        return made

    with pytest.raises(InputError, match="the same hair_length, which stays anyway"):
        find(ToyScorer(still), n=300, keep=("hair_length",))
    with pytest.raises(InputError):
        found.boundaries()
    assert torch.is_tensor(found.edit(np.zeros((1, 14)), np.zeros((1, 2)), eyes=0.5))
