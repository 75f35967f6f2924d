"""Directions without networks: bound to networks they edit and are tested as those found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError, InputError
from tests.vectorfind.conftest import SETTINGS, ToyGenerator, ToyScorer
from tests.vectorfind.offered import MOVED, TWIN, OfferingGenerator
from vectorfind.directions import finding
from vectorfind.directions.boundaries import Boundaries
from vectorfind.directions.finding import fit_samples
from vectorfind.directions.packing import KIND, read_boundaries

NETWORKS = {"workers": 1, "quiet": True, "batch_size": 512}


def bind(boundaries, generator=None, scorer=None, **options):
    networks = generator or ToyGenerator(), scorer or ToyScorer()
    return finding.bind(boundaries, *networks, **NETWORKS | {"n": 600} | options)


def planted(names=("eyes", "pose"), layer="w"):
    """The true directions, without groups."""
    generator = OfferingGenerator()
    columns = [ToyScorer().properties.index(name) for name in names]
    return Boundaries(layer, names, ("all",), generator.truth(layer)[columns][None])


def test_there_and_back_the_directions_are_the_same(found):
    directions = found()
    boundaries = directions.boundaries()
    assert (boundaries.layer, boundaries.properties) == ("mapping_split2", directions.properties)
    again = bind(boundaries, group_by=SETTINGS.group_by, n=2000)
    assert again.groups.tolist() == directions.groups.tolist()
    for name in directions.properties:
        assert np.allclose(
            again.fields[name].of_groups(), directions.fields[name].of_groups(), atol=1e-6
        )
    assert np.array_equal(again.cuts, directions.cuts)  # the samples are those it was found from
    assert np.array_equal(again.score_std, directions.score_std)
    assert np.array_equal(again.group_sizes, directions.group_sizes)


def test_imported_directions_edit_are_tested_saved_and_loaded(tmp_path):
    directions = bind(planted())
    assert directions.method == "imported"
    evaluation = vectorfind.evaluate(directions, cases=6, quiet=True)
    assert (evaluation.table["passed"] == "O").all()
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    z, label = np.ones((2, 14)), np.ones((2, 2))
    assert torch.equal(loaded.edit(z, label, eyes=1), directions.edit(z, label, eyes=1))
    assert loaded.fits() == directions.fits() == []


def test_what_is_not_scored_can_be_edited_but_not_tested(tmp_path):
    components = planted().renamed({"eyes": "component_0"})
    bind(components).save(tmp_path / "d.npz")
    directions = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    z, label = np.ones((1, 14)), np.ones((1, 2))
    expected = bind(planted()).edit(z, label, eyes=1)
    assert torch.allclose(directions.edit(z, label, component_0=1), expected)
    with pytest.raises(InputError, match=r"not read component_0, .* names that it reads: eyes"):
        vectorfind.evaluate(directions, cases=2, quiet=True)


def test_groups_without_a_direction_take_the_mean(found):
    boundaries = found().boundaries()
    some = replace(boundaries, groups=("hl", "hh"), vectors=boundaries.vectors[[1, 0]])
    directions = bind(some, group_by=SETTINGS.group_by)
    assert directions.groups.tolist() == ["hh", "hl"]
    made = directions.vectors(np.zeros((3, 16), np.float32), np.array(["hl", "hh", "ll"]))
    assert np.allclose(made[:2], boundaries.vectors[[1, 0]], atol=1e-6)
    mean = boundaries.vectors[:2].mean(axis=0)
    assert np.allclose(made[2], mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)


def test_the_part_that_may_move_can_be_given_alone():
    w_only = planted(MOVED[:1])
    directions = bind(replace(w_only, layer=TWIN), OfferingGenerator())
    [[made]] = directions.vectors(np.zeros((1, 16), np.float32), np.array(["all"]))
    assert np.array_equal(made, np.pad(w_only.vectors[0, 0], (8, 0)))
    assert np.array_equal(directions.boundaries().vectors, w_only.vectors)


def test_a_direction_that_moves_what_may_not_move_is_refused():
    whole = planted(MOVED[:1], TWIN)
    assert np.array_equal(
        bind(whole, OfferingGenerator()).boundaries().vectors, whole.vectors[..., 8:]
    )
    beyond = replace(whole, vectors=np.ones((1, 1, 16)))
    with pytest.raises(InputError, match="moves numbers outside 8 to 16 of the layer's 16"):
        bind(beyond, OfferingGenerator())


def test_what_does_not_fit_is_told(found):
    with pytest.raises(InputError, match=r"have 5 numbers; the layer's vectors have 8$"):
        bind(Boundaries("w", ("eyes",), ("all",), np.ones((1, 1, 5))))
    with pytest.raises(InputError, match=r"have 5 numbers; .* have 16, of which 8 may move"):
        bind(Boundaries(TWIN, ("eyes",), ("all",), np.ones((1, 1, 5))), OfferingGenerator())
    with pytest.raises(InputError, match="unknown layer 'y'; choose one of mapping_split1"):
        bind(Boundaries("y", ("eyes",), ("all",), np.ones((1, 1, 8))))
    grouped = found().boundaries()
    with pytest.raises(InputError, match=r"for hh, hl, lh, ll, but 1 grouping .* make h to l"):
        bind(grouped, group_by=("hair_color",))


def test_a_file_gives_its_boundaries_without_networks(found, tmp_path):
    directions = found("mixed").conditioned({"pose": ("mouth",)})
    directions.save(tmp_path / "d.npz")
    from_file, from_object = read_boundaries(tmp_path / "d.npz"), directions.boundaries()
    assert from_file.properties == from_object.properties == ("mouth", "pose")
    assert from_file.groups == from_object.groups == ("hh", "hl", "lh", "ll")
    assert np.array_equal(from_file.vectors, from_object.vectors)
    mouth, pose = np.moveaxis(from_file.vectors, 1, 0)
    assert np.abs(np.einsum("gd,gd->g", mouth, pose)).max() < 1e-6
    assert directions.conditioned({"mouth": ("eyes",)}).boundaries().properties == ("pose",)


def test_directions_of_images_have_no_boundaries(found, tmp_path):
    directions = found("gradient")
    directions.save(tmp_path / "d.npz")
    for read in (directions.boundaries, lambda: read_boundaries(tmp_path / "d.npz")):
        with pytest.raises(InputError, match="eyes, mouth, pose differ from image to image"):
            read()


def test_damaged_files_give_no_boundaries(found, tmp_path):
    path = tmp_path / "d.npz"
    found().save(path)
    arrays, metadata = read_npz(path, KIND)
    wrong = {"field0.directions": arrays["field0.directions"][:1]}
    for changed, about in ((wrong, {}), ({}, {"settings": {}}), ({}, {"conditions": [1]})):
        write_npz(path, KIND, arrays | changed, metadata | about)
        with pytest.raises(CheckpointError, match=r"d\.npz is incomplete"):
            read_boundaries(path)


def test_groups_of_three_parts_are_found_kept_and_used(models, samples, tmp_path):
    settings = replace(SETTINGS, group_by=("hair_color",), quantiles=3, properties=("eyes",))
    directions = fit_samples(models, samples, settings)
    assert directions.groups.tolist() == ["0", "1", "2"]
    assert directions.group_sizes.tolist() in ([667, 666, 667], [666, 667, 667], [667, 667, 666])
    assert directions.cuts.shape == (1, 2)
    column = directions.scored.index("hair_color")
    names = directions.group_of(samples.scores)
    order = np.argsort(samples.scores[:, column])
    assert names[order[0]] == "0"
    assert names[order[1000]] == "1"
    assert names[order[-1]] == "2"
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert np.array_equal(loaded.cuts, directions.cuts)
    assert loaded.settings.quantiles == 3
    assert len(vectorfind.evaluate(loaded, cases=4, quiet=True).table) == 4
