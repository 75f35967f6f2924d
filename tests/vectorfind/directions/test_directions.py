"""Directions: the right one for each image, edits with the right sign, files that stay true."""

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.streams import CASES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.directions.directions import load_directions
from vectorfind.directions.packing import KIND
from vectorfind.sampling.latents import latent_block


@pytest.fixture
def latents():
    z, label = latent_block(0, CASES, 0, 14, 2)
    return z[:6], label[:6]


def score(directions, images, name):
    return directions.models.score(images)[:, directions.scored.index(name)]


def test_vectors_are_those_of_the_group(found):
    directions = found()
    groups = directions.groups[[2, 0]]
    vectors = directions.vectors(np.zeros((2, 16), np.float32), groups)
    assert np.array_equal(vectors[0, 1], directions.fields["mouth"].of_groups()[2])
    assert np.array_equal(vectors[1, 2], directions.fields["pose"].of_groups()[0])


def test_an_image_without_a_group_gets_the_mean_direction(found):
    directions = found()
    vector = directions.vectors(np.zeros((1, 16), np.float32), np.array(["?"]))[0, 0]
    mean = directions.fields["eyes"].of_groups().mean(axis=0)
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize(
    ("method", "layer"),
    [("svm", "mapping_split2"), ("svm", "w"), ("gradient", "mapping_split2"), ("mixed", "w")],
)
def test_all_vectors_have_unit_norm(found, method, layer):
    directions = found(method, layer)
    mapped = np.random.default_rng(0).standard_normal(
        (3, directions.models.generator.layers[layer])
    )
    vectors = directions.vectors(mapped.astype(np.float32), directions.groups[:3])
    assert vectors.shape == (3, 3, mapped.shape[1])
    assert np.allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-5)


@pytest.mark.parametrize("method", ["svm", "gradient"])
def test_edits_move_their_property_up_or_down_and_leave_the_others(found, latents, method):
    directions = found(method)
    base = directions.edit(*latents)
    assert base.shape == (6, 3, 8, 8)
    for name in directions.properties:
        for strength in (-1.5, 1.5):
            images = directions.edit(*latents, **{name: strength})
            moved = score(directions, images, name) - score(directions, base, name)
            # along the unit truth at split2, a property rises by the root of 2 a unit
            assert np.allclose(moved, 2**0.5 * strength, atol=0.15)
            for other in {"eyes", "mouth", "pose"} - {name}:
                leak = score(directions, images, other) - score(directions, base, other)
                assert np.abs(leak).max() < 0.5


def test_strengths_may_differ_by_image_and_be_tensors(found, latents):
    directions = found()
    z, label = (torch.tensor(array) for array in latents)
    amounts = torch.tensor([0.0, 1.0, 2.0, 0.0, -1.0, -2.0])
    images = directions.edit(z, label, eyes=amounts, mouth=0)
    one = directions.edit(z[1:2], label[1:2], eyes=1.0)
    base = directions.edit(z, label)
    assert torch.allclose(images[1], one[0], atol=1e-5)
    assert torch.allclose(images[0], base[0], atol=1e-5)
    assert not torch.allclose(images[2], base[2], atol=1e-2)


def test_a_grid_is_the_same_as_single_edits(found, latents):
    directions = found()
    grid = np.array([[1.2, 0, 0], [0, -0.9, 0.6]], np.float32)
    images = directions.edit_grid(*latents, grid)
    assert images.shape == (6, 2, 3, 8, 8)
    assert torch.allclose(images[:, 1], directions.edit(*latents, mouth=-0.9, pose=0.6), atol=1e-5)


def test_unreadable_base_images_are_edited_all_the_same(found, latents, tmp_path):
    found().save(tmp_path / "d.npz")
    blind = ToyScorer(lambda scores: scores * torch.nan)
    directions = load_directions(tmp_path / "d.npz", ToyGenerator(), blind)
    assert torch.isfinite(directions.edit(*latents, eyes=1)).all()


@pytest.mark.parametrize(
    ("arguments", "strengths", "message"),
    [
        ({}, {"smile": 1}, "unknown property to edit 'smile'; choose one of eyes, mouth, pose"),
        ({}, {"eyes": [1, 2]}, r"strength of eyes is \[1, 2\]; give one number up to 1000, or 6"),
        ({}, {"eyes": float("nan")}, "strength of eyes is nan; give one number"),
        ({}, {"eyes": 1e38}, "strength of eyes is 1e.38; give one number up to 1000"),
        ({"z": np.full((6, 14), np.nan)}, {"eyes": 1}, "z or label holds NaN"),
        ({}, {"eyes": "wide"}, "a str is no array of real numbers"),
        ({"z": np.zeros(14)}, {}, r"z has shape \(14,\).*expected \(N, 14\)"),
        ({"z": np.zeros((6, 3))}, {}, r"z has shape \(6, 3\).*expected \(6, 14\)"),
        ({"label": None}, {}, r"label \(0,\); expected \(6, 14\) and \(6, 2\)"),
    ],
)
def test_wrong_edits_are_told_what_is_allowed(found, latents, arguments, strengths, message):
    given = dict(zip(("z", "label"), latents, strict=True)) | arguments
    with pytest.raises(InputError, match=message):
        found().edit(**given, **strengths)


def test_a_grid_of_the_wrong_shape_is_refused(found, latents):
    with pytest.raises(InputError, match=r"shape \(2, 2\); expected \(S, 3\): eyes, mouth, pose"):
        found().edit_grid(*latents, np.zeros((2, 2)))


@pytest.mark.parametrize("method", ["svm", "gradient", "mixed"])
def test_a_file_gives_the_same_directions_back(found, latents, tmp_path, method):
    directions = found(method)
    directions.save(tmp_path / "d.npz")
    loaded = load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.properties == directions.properties
    assert loaded.strengths == directions.strengths
    assert loaded.fits() == directions.fits()
    assert loaded.curve_columns() == directions.curve_columns()
    assert np.array_equal(loaded.score_std, directions.score_std)
    edits = (d.edit(*latents, eyes=1.0, pose=-1.0) for d in (directions, loaded))
    assert torch.equal(*edits)
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "d.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_foreign_networks_are_refused(found, tmp_path):
    path = tmp_path / "d.npz"
    found().save(path)
    generator, scorer = ToyGenerator(), ToyScorer()
    generator.digest = "another"
    with pytest.raises(CheckpointError, match="found on the generator toy-generator, not on anoth"):
        load_directions(path, generator, ToyScorer())
    scorer.digest = ""
    with pytest.raises(CheckpointError, match="found on the scorer toy-scorer, not on one without"):
        load_directions(path, ToyGenerator(), scorer)
    with pytest.raises(CheckpointError, match="this scorer reads pose, eyes"):
        load_directions(path, ToyGenerator(), ToyScorer(properties=("pose", "eyes")))


def test_missing_truncated_and_foreign_files_are_refused(found, tmp_path):
    found().save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("eyes, mouth, pose")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "other.npz", z=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", metadata=np.array({"kind": 1}, dtype=object))
    for name in ("missing", "cut", "text", "empty", "other", "pickled"):
        with pytest.raises(CheckpointError, match=f"{name}.npz"):
            load_directions(tmp_path / f"{name}.npz", ToyGenerator(), ToyScorer())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "has format 99"),
        ({"settings": {}}, "incomplete or does not fit"),
        ({"settings": {"layer": "z"}}, "incomplete or does not fit"),
    ],
)
def test_files_of_other_versions_or_contents_are_refused(found, tmp_path, change, message):
    path = tmp_path / "d.npz"
    found().save(path)
    arrays, metadata = read_npz(path, KIND)
    write_npz(path, KIND, arrays, metadata | change)
    with pytest.raises(CheckpointError, match=message):
        load_directions(path, ToyGenerator(), ToyScorer())
    write_npz(path, KIND, {"groups": arrays["groups"]}, metadata)
    with pytest.raises(CheckpointError, match="incomplete"):
        load_directions(path, ToyGenerator(), ToyScorer())


def test_vectors_of_another_size_do_not_fit(found, tmp_path):
    path = tmp_path / "d.npz"
    found().save(path)
    generator = ToyGenerator()
    generator.layers = generator.layers | {"mapping_split2": 20}
    with pytest.raises(CheckpointError, match=r"vectors of \{16\} numbers do not fit"):
        load_directions(path, generator, ToyScorer())


def test_some_of_the_properties_alone(found, latents):
    whole = found()
    some = whole.only(["pose", "eyes"])
    assert some.properties == ("pose", "eyes")
    assert torch.equal(some.edit(*latents, pose=1.0), whole.edit(*latents, pose=1.0))
    with pytest.raises(InputError, match="property to edit"):
        some.edit(*latents, mouth=1.0)
    with pytest.raises(InputError, match="no property given; choose some of eyes, mouth, pose"):
        whole.only([])
    with pytest.raises(InputError, match="unknown property 'nose'"):
        whole.only(["nose"])
    with pytest.raises(InputError, match="conditioned on mouth; take that too"):
        whole.conditioned({"eyes": ("mouth",)}).only(["eyes"])


def test_foreign_images_are_told_and_kept_in_files(tmp_path):
    class Far(ToyScorer):
        def feature_shift(self, images):
            assert len(images) == 32
            return 0.31

    how = {"group_by": (), "workers": 1, "quiet": True}
    with pytest.warns(UserWarning, match=r"did not learn from such images.* shifted by 0\.31"):
        far = vectorfind.find_directions(200, "w", generator=ToyGenerator(), scorer=Far(), **how)
    far.save(tmp_path / "far.npz")
    again = load_directions(tmp_path / "far.npz", ToyGenerator(), ToyScorer())
    assert again.feature_shift == far.feature_shift == 0.31
