"""Ensembles: folds, recovery of planted attributes, and a training that goes on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import starmap

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.concept import CONCEPT, ConceptClassifiers, EnsembleSettings
from stylegan_ft.concept import make as making
from stylegan_ft.concept.make import COLUMNS, make_classifiers
from stylegan_ft.concept.train import fold_rows, train_member
from tests.stylegan_ft.planted_concept import TINY, planted

QUIET = partial(make_classifiers, log=lambda line: None)


def test_folds_are_stratified_disjoint_and_whole():
    labels = np.array([1.0] * 20 + [0.0] * 60 + [np.nan] * 7)
    folds = fold_rows(labels, EnsembleSettings(folds=5))
    unseen = np.concatenate([rows for _, rows in folds])
    assert sorted(unseen) == list(range(80))
    for learned, held in folds:
        assert not set(learned) & set(held)
        assert len(learned) + len(held) == 80
        assert labels[held].sum() == 4


def test_too_few_of_a_class_are_refused():
    with pytest.raises(InputError, match="3 images of a class for 5 folds"):
        fold_rows(np.array([1.0] * 3 + [0.0] * 60), EnsembleSettings())


def test_planted_attributes_are_recovered(tmp_path):
    images, labels = planted()
    table = QUIET(images, labels, tmp_path, starmap, TINY)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == len(CONCEPT) * TINY.folds
    assert table["auroc"].min() > 0.95
    fresh, truth = planted(60, seed=1)
    told = ConceptClassifiers.load(tmp_path / "concept.safetensors")(fresh / 127.5 - 1).numpy()
    for column in range(len(CONCEPT)):
        wrong = ((told[:, column] > 0.5) != (truth[:, column] == 1)).mean()
        assert wrong < 0.1, CONCEPT[column]
    card = (tmp_path / "concept.md").read_text("utf-8")
    assert all(name in card for name in CONCEPT)


def test_an_unknown_label_leaves_the_image_out():
    images, labels = planted(64)
    labels[10:, 2] = np.nan
    labels[:10, 2] = [0, 1] * 5
    changed = images.clone()
    changed[10:] = 0
    short = replace(TINY, epochs=1)
    first, auroc = train_member(images, labels, "age", 0, short)
    second, again = train_member(changed, labels, "age", 0, short)
    assert auroc == again
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))


def test_a_training_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    images, labels = planted(64)
    short = replace(TINY, epochs=1)
    QUIET(images, labels, tmp_path / "whole", starmap, short)

    class Killed(Exception):
        pass

    def some(function, tasks):
        for number, task in enumerate(tasks):
            if number == 3:
                raise Killed
            yield function(*task)

    with pytest.raises(Killed):
        QUIET(images, labels, tmp_path / "broken", some, short)
    trained = []

    def counted(*task):
        trained.append(task[2:4])
        return train_member(*task)

    monkeypatch.setattr(making, "train_member", counted)
    QUIET(images, labels, tmp_path / "broken", starmap, short)
    assert len(trained) == len(CONCEPT) * short.folds - 3
    for name in ("concept.safetensors", "concept.csv", "concept.md"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    monkeypatch.undo()
    again = QUIET(images, labels, tmp_path / "broken", starmap, replace(short, seed=1))
    assert len(again) == len(CONCEPT) * short.folds
    assert (tmp_path / "broken/concept.csv").read_bytes() != (
        tmp_path / "whole/concept.csv"
    ).read_bytes()


def test_wrong_labels_are_told(tmp_path):
    images, labels = planted(32)
    labels[3, 1] = 2
    with pytest.raises(InputError, match="quality holds 2"):
        QUIET(images, labels, tmp_path, starmap, TINY)
    with pytest.raises(InputError, match=r"\(N, 4\)"):
        QUIET(images, labels[:, :3], tmp_path, starmap, TINY)
    labels[:, 1] = 0
    with pytest.raises(InputError, match="quality: 0 images of a class"):
        QUIET(images, labels, tmp_path, starmap, TINY)
