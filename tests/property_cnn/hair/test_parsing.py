"""The scorer of landmarks and masks, on masks whose scores are known."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError, ScorerError
from property_cnn.hair import parsing
from property_cnn.hair.parsing import ParsingScorer, load_parsing_scorer
from property_cnn.hair.photographs import PersonSegmenter, PhotographTeacher
from property_cnn.landmarks.files import FACE, PERSON, from_tflite, save_networks
from property_cnn.landmarks.scorer import LandmarksScorer
from property_cnn.properties import LANDMARK_PROPERTIES, PARSING_PROPERTIES
from tests.property_cnn.landmarks.conftest import centred_face, face_file, person_file


def scorer_of(logit=20.0):
    """One that sees a person where red is above 0."""
    person = from_tflite(person_file((40.0, 0.0, 0.0), -20.0), PERSON, "a person")
    landmarks = LandmarksScorer(from_tflite(face_file(centred_face(), logit), FACE, "a face"))
    return ParsingScorer(PhotographTeacher(PersonSegmenter(person), landmarks), batch_size=2)


def grey_image(side=224):
    """Grey 60 without a person, and in the middle columns one of grey 200."""
    images = torch.full((1, 3, side, side), 60 / 127.5 - 1)
    images[..., side // 4 : -side // 4] = 200 / 127.5 - 1
    return images


def named(row):
    return dict(zip(PARSING_PROPERTIES, row.tolist(), strict=True))


def test_masks_columns_are_the_scores_of_the_masks():
    scores = named(scorer_of()(grey_image())[0])
    assert scores["background_mean"] == pytest.approx(60, abs=2)
    assert scores["background_std"] == pytest.approx(0, abs=4)

    scorer = scorer_of()
    shares = torch.zeros(1, 4, 224, 224)
    shares[:, 0] = 1
    shares[:, :2, :112, 112:] = torch.tensor([0.4, 0.6]).view(1, 2, 1, 1)  # hair at the right
    small = torch.full((1, 3, 224, 224), 60 / 127.5 - 1)
    small[..., 112:] = 200 / 127.5 - 1
    scorer.teacher.parsed = lambda images, points: (small, shares)
    scores = named(scorer(grey_image())[0])
    assert scores["hair_color"] == pytest.approx(200, abs=0.01)
    assert scores["hair_length"] == pytest.approx(56)  # rows 56 to 112
    assert scores["background_mean"] == pytest.approx(60, abs=0.01)
    assert scores["background_std"] == pytest.approx(0, abs=0.01)
    assert scores["hairstyle"] == pytest.approx(0.45)


def test_the_landmarks_columns_are_those_of_the_landmarks_scorer():
    scorer = scorer_of()
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = scorer(images)
    assert found.shape == (3, len(PARSING_PROPERTIES))
    torch.testing.assert_close(
        found[:, : len(LANDMARK_PROPERTIES)], scorer.teacher.landmarks(images)
    )
    torch.testing.assert_close(found[2:], scorer(images[2:]), rtol=1e-4, atol=1e-3)
    assert scorer(images[:0]).shape == (0, len(PARSING_PROPERTIES))
    with pytest.raises(ScorerError, match="square"):
        scorer(images[:, :, :32])


def test_without_a_face_nothing_is_scored():
    assert scorer_of(logit=-5.0)(grey_image()).isnan().all()


def test_other_weights_or_another_version_have_another_digest(monkeypatch):
    first = scorer_of().digest
    assert scorer_of().digest == first != scorer_of(logit=21.0).digest
    monkeypatch.setattr(parsing, "VERSION", parsing.VERSION + 1)
    assert scorer_of().digest != first


@pytest.mark.parametrize("name", ["landmarks", "person"])
def test_what_is_absent_names_the_command(tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if name == "person":
        network = from_tflite(face_file(centred_face()), FACE, "a face")
        save_networks(tmp_path / "vectorfind" / "landmarks.safetensors", {"landmarks": network}, {})
    with pytest.raises(CheckpointError, match=f"vectorfind fetch {name}"):
        load_parsing_scorer("cpu")
