"""The classifiers as they are used: soft vote, files, thresholds and rendered labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.faces import ATTRIBUTES
from property_cnn.pictures import from_bytes
from stylegan_ft.concept import CONCEPT, SHIPPED, ConceptClassifiers, Thresholds, rendered_labels
from stylegan_ft.concept.make import rendered_faces
from stylegan_ft.concept.network import Member, as_input, folded, resized
from stylegan_ft.concept.settings import MemberSettings
from tests.stylegan_ft.planted_concept import NETWORK, random_members, write_classifiers


@pytest.fixture
def images():
    return torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_probabilities_are_the_mean_of_the_members(images):
    members = random_members()
    told = ConceptClassifiers(members)(images)
    assert told.shape == (5, 4)
    for column, name in enumerate(CONCEPT):
        votes = [member(as_input(images, 16)).sigmoid() for member in members[name]]
        torch.testing.assert_close(told[:, column], torch.stack(votes).mean(0))
    assert told.std() > 0.01
    assert ConceptClassifiers(members)(images[:0]).shape == (0, 4)


def test_batches_change_nothing_but_rounding(images):
    classifiers = ConceptClassifiers(random_members())
    many = images.repeat(30, 1, 1, 1)
    torch.testing.assert_close(classifiers(many)[:5], classifiers(images))


def test_folding_keeps_the_function(images):
    member = Member(NETWORK)
    for norm in member.norms:
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.data.uniform_(0.5, 2)
    inputs = as_input(images, 16)
    torch.testing.assert_close(folded(member)(inputs), member.eval()(inputs))


def test_detail_is_none_in_a_flat_image():
    inputs = as_input(torch.full((1, 3, 16, 16), 0.3), 16)
    torch.testing.assert_close(inputs[:, 3:], torch.zeros(1, 3, 16, 16))
    torch.testing.assert_close(inputs[:, :3], torch.full((1, 3, 16, 16), 0.3))


def test_other_sizes_are_resized():
    image = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).repeat(1, 3, 8, 8)  # 16 x 16
    assert torch.equal(resized(image, 8), torch.full((1, 3, 8, 8), 1.5))
    assert resized(image, 32).shape == (1, 3, 32, 32)


def test_a_file_gives_the_same_classifiers(tmp_path, images):
    path = tmp_path / "concept.safetensors"
    write_classifiers(path)
    loaded = ConceptClassifiers.load(path)
    assert torch.equal(loaded(images), ConceptClassifiers(random_members())(images))
    write_classifiers(tmp_path / "other.safetensors", seed=1)
    assert loaded.digest != ConceptClassifiers.load(tmp_path / "other.safetensors").digest


def test_damaged_and_foreign_files_are_told(tmp_path, images):
    path = tmp_path / "concept.safetensors"
    with pytest.raises(CheckpointError, match="no file"):
        ConceptClassifiers.load(path)
    write_classifiers(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a whole"):
        ConceptClassifiers.load(path)
    from property_cnn.network.shipped import SHIPPED

    with pytest.raises(CheckpointError, match="no concept classifiers"):
        ConceptClassifiers.load(SHIPPED)
    with pytest.raises(ScorerError, match=r"\(N, 3, H, W\)"):
        ConceptClassifiers(random_members())(images[0])
    with pytest.raises(InputError, match="glasses"):
        ConceptClassifiers({name: random_members()[name] for name in CONCEPT[:3]})


def test_the_bounds_themselves_pass():
    edge = torch.tensor([[0.92, 0.9, 0.008, 0.01]])
    assert Thresholds().passes(edge).tolist() == [True]
    for column, step in enumerate((-1e-6, -1e-6, 1e-6, 1e-6)):
        beyond = edge.clone()
        beyond[0, column] += step
        assert Thresholds().passes(beyond).tolist() == [False]
        assert Thresholds().within(beyond)[0].tolist() == [i != column for i in range(4)]
    exact = torch.tensor([[0.92, 0.9, 0.008, 0.01]], dtype=torch.float64)
    assert Thresholds().passes(exact).tolist() == [True]
    with pytest.raises(InputError, match=r"age is 1\.5"):
        Thresholds(age=1.5)
    with pytest.raises(InputError, match=r"\(N, 4\)"):
        Thresholds().passes(torch.zeros(3, 2))


def test_rendered_labels_leave_doubtful_faces_out():
    attributes = torch.zeros(3, len(ATTRIBUTES))
    column = {name: ATTRIBUTES.index(name) for name in (*CONCEPT[::2], "glasses", "blur", "noise")}
    for name in ("gender", "age", "glasses", "blur"):
        attributes[1, column[name]] = 2.0
    attributes[2, column["noise"]] = 1.0
    labels = rendered_labels(attributes)
    assert labels[0].isnan().tolist() == [True, False, False, False]
    assert labels[0, 1:].tolist() == [1.0, 0.0, 0.0]
    assert labels[1].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert labels[2].isnan().tolist() == [True, True, False, False]


def test_the_shipped_classifiers_tell_faces_that_they_never_saw():
    assert SHIPPED.stat().st_size < 3 * 2**20
    images, labels = rendered_faces(256, seed=987)
    told = ConceptClassifiers.load()(from_bytes(images)).numpy()
    for column, name in enumerate(CONCEPT):
        known = ~np.isnan(labels[:, column])
        assert roc_auc_score(labels[known, column], told[known, column]) > 0.97, name


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match="side 20"):
        MemberSettings(side=20, widths=(4, 4, 4))
