"""Conditional manipulation: closed form, orthogonality, groups, gradients, files."""

from dataclasses import replace

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.directions.directions import load_directions
from vectorfind.methods.conditions import project_off
from vectorfind.methods.fields import GroupField

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def vectors():
    """(5, 4, 12) of unit norm, far from orthogonal."""
    drawn = np.random.default_rng(0).standard_normal((5, 4, 12)) + 1
    return (drawn / np.linalg.norm(drawn, axis=2, keepdims=True)).astype(np.float32)


def gram_schmidt(own, others):
    """What is left of one vector (d,) when others (k, d) are taken off, one by one."""
    basis = []
    for other in others.astype(np.float64):
        for axis in basis:
            other = other - (other @ axis) * axis
        basis.append(other / np.linalg.norm(other))
    rest = own.astype(np.float64)
    for axis in basis:
        rest = rest - (rest @ axis) * axis
    return rest / np.linalg.norm(rest)


@pytest.mark.parametrize("others", [("b",), ("b", "c"), ("d", "b", "c")])
def test_it_is_gram_schmidts_rest_and_orthogonal_to_each(vectors, others):
    found = project_off(vectors, NAMES, {"a": others})
    columns = [NAMES.index(name) for name in others]
    expected = [gram_schmidt(case[0], case[columns]) for case in vectors]
    assert np.allclose(found[:, 0], expected, atol=1e-6)
    assert np.abs(np.einsum("nd,nkd->nk", found[:, 0], vectors[:, columns])).max() < 1e-6
    assert np.array_equal(found[:, 1:], vectors[:, 1:])


def test_of_one_other_it_is_interfacegans_formula(vectors):
    own, other = vectors[:, 0], vectors[:, 1]
    rest = own - np.sum(own * other, axis=1, keepdims=True) * other
    expected = rest / np.linalg.norm(rest, axis=1, keepdims=True)
    assert np.allclose(project_off(vectors, NAMES, {"a": ["b"]})[:, 0], expected, atol=1e-6)


def test_others_are_taken_as_they_came_and_may_be_alike(vectors):
    both = project_off(vectors, NAMES, {"a": ("b",), "b": ("a",)})
    assert np.allclose(both[:, 1], project_off(vectors, NAMES, {"b": ("a",)})[:, 1])
    vectors[:, 2] = vectors[:, 1]
    found = project_off(vectors, NAMES, {"a": ("b", "c")})
    assert np.allclose(found[:, 0], project_off(vectors, NAMES, {"a": ("b",)})[:, 0], atol=1e-6)


def test_nothing_left_is_an_error(vectors):
    mixed = vectors[:, 1] - 0.5 * vectors[:, 2]
    vectors[:, 0] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    with pytest.raises(InputError, match=r"nothing is left of the direction of a: .* b, c; "):
        project_off(vectors, NAMES, {"a": ("b", "c")})


@pytest.mark.parametrize("method", ["svm", "gradient", "mixed"])
def test_directions_of_groups_and_of_images_are_conditioned(found, method):
    plain = found(method)
    directions = plain.conditioned({"eyes": ("mouth", "pose")})
    latents = np.random.default_rng(1).standard_normal((4, 16)).astype(np.float32)
    groups = np.array(["hh", "ll", "hl", "?"])
    given, made = plain.vectors(latents, groups), directions.vectors(latents, groups)
    assert np.abs(np.einsum("nd,nkd->nk", made[:, 0], given[:, 1:])).max() < 1e-5
    assert np.allclose(np.linalg.norm(made, axis=2), 1, atol=1e-5)
    assert np.array_equal(made[:, 1:], given[:, 1:])
    assert not np.allclose(made[:, 0], given[:, 0], atol=1e-4)


def test_an_edit_leaves_the_other_alone(found):
    """Where two true directions are mixed, conditioning on one gives the other back."""
    plain = found("svm")
    mixed = plain.fields["eyes"].of_groups() + plain.fields["mouth"].of_groups()
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    directions = replace(plain, fields={**plain.fields, "eyes": GroupField(plain.groups, mixed)})
    z, label = np.random.default_rng(2).standard_normal((2, 6, 14)), np.zeros((6, 2))
    column = directions.scored.index("mouth")
    moved = []
    for some in (directions, directions.conditioned({"eyes": ["mouth"]})):
        base, edited = (some.edit(z[0], label, eyes=strength) for strength in (0.0, 1.0))
        scores = (directions.models.score(images)[:, column] for images in (edited, base))
        moved.append(np.abs(np.subtract(*scores)).max())
    assert moved[0] > 0.8
    assert moved[1] < 0.2


def test_conditions_are_kept_in_the_file_and_can_be_taken_back(found, tmp_path):
    directions = found("mixed").conditioned({"pose": ("eyes",), "mouth": ("pose", "eyes")})
    directions.save(tmp_path / "d.npz")
    loaded = load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.conditions == {"pose": ("eyes",), "mouth": ("pose", "eyes")}
    latents, groups = np.ones((2, 16), np.float32), np.array(["hh", "lh"])
    assert np.array_equal(loaded.vectors(latents, groups), directions.vectors(latents, groups))
    back = loaded.conditioned({"pose": ()})
    assert back.conditions == {"mouth": ("pose", "eyes")}
    plain = found("mixed").vectors(latents, groups)
    assert np.array_equal(back.vectors(latents, groups)[:, 2], plain[:, 2])


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ({"smile": ("eyes",)}, "unknown property to condition 'smile'; choose one of eyes, mouth"),
        ({"eyes": ("smile",)}, "unknown condition of eyes 'smile'"),
        ({"eyes": "pose"}, r"condition of eyes is the text 'pose'; give a tuple"),
        ({"eyes": ("pose", "eyes")}, "eyes is conditioned on itself"),
    ],
)
def test_wrong_conditions_are_told(found, on, message):
    with pytest.raises(InputError, match=message):
        found().conditioned(on)
