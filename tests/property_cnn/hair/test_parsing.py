"""The scorer of landmarks and masks, on masks whose scores are known."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.hair.parsing import ParsingScorer, load_parsing_scorer
from property_cnn.hair.photographs import PersonSegmenter
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.landmarks.files import FACE, PERSON, from_tflite
from property_cnn.landmarks.scorer import LandmarksScorer
from property_cnn.properties import LANDMARK_PROPERTIES, PARSING_PROPERTIES
from property_cnn.segmentation.settings import StudentSettings
from property_cnn.segmentation.student import new_student
from tests.property_cnn.landmarks.conftest import centred_face, face_file, person_file


def scorer_of(hair=50.0, logit=20.0):
    """One that sees a person where red is above 0, and hair everywhere or nowhere."""
    student = new_student(StudentSettings(width=0.25, depth=0.2, channels=8)).eval()
    torch.nn.init.constant_(student.head.bias, hair)
    return ParsingScorer(
        LandmarksScorer(from_tflite(face_file(centred_face(), logit), FACE, "a face")),
        PersonSegmenter(from_tflite(person_file((40.0, 0.0, 0.0), -20.0), PERSON, "a person")),
        HairSegmenter(student, side=32),
        batch_size=2,
    )


def halves(side=224):
    """Grey 60 without a person at the left, grey 200 of a person at the right, in the lower half
    without one too.
    """
    images = torch.full((1, 3, side, side), 60 / 127.5 - 1)
    images[:, :, : side // 2, side // 2 :] = 200 / 127.5 - 1
    return images


def named(row):
    return dict(zip(PARSING_PROPERTIES, row.tolist(), strict=True))


def test_hair_is_where_a_person_is_and_the_background_where_none_is():
    scores = named(scorer_of()(halves())[0])
    assert scores["hair_color"] == pytest.approx(200, abs=1)
    assert scores["hair_length"] == pytest.approx(56, abs=1)  # rows 56 to 112 count
    assert scores["background_mean"] == pytest.approx(60, abs=1)
    assert scores["background_std"] == pytest.approx(0, abs=3)
    bald = named(scorer_of(hair=-50.0)(halves())[0])
    assert (bald["hair_color"], bald["hair_length"]) == (127.5, 0)
    assert bald["background_mean"] == scores["background_mean"]


def test_the_landmarks_columns_are_those_of_the_landmarks_scorer():
    scorer, images = scorer_of(), torch.rand(5, 3, 64, 64) * 2 - 1
    found = scorer(images)
    assert found.shape == (5, len(PARSING_PROPERTIES))
    first = len(LANDMARK_PROPERTIES)
    torch.testing.assert_close(found[:, :first], scorer.landmarks(images))
    torch.testing.assert_close(found[3:4], scorer(images[3:4]), rtol=1e-4, atol=1e-3)
    assert scorer(images[:0]).shape == (0, len(PARSING_PROPERTIES))


def test_without_a_face_nothing_is_scored():
    assert scorer_of(logit=-5.0)(halves()).isnan().all()


def test_other_weights_of_any_part_have_another_digest():
    digests = {scorer_of().digest, scorer_of(hair=1.0).digest, scorer_of(logit=21.0).digest}
    assert len(digests) == 3
    assert scorer_of().digest in digests


@pytest.mark.parametrize("name", ["landmarks", "person"])
def test_what_is_absent_names_the_command(tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if name == "person":
        from property_cnn.landmarks.files import save_networks

        network = from_tflite(face_file(centred_face()), FACE, "a face")
        save_networks(tmp_path / "vectorfind" / "landmarks.safetensors", {"landmarks": network}, {})
    with pytest.raises(CheckpointError, match=f"vectorfind fetch {name}"):
        load_parsing_scorer("cpu")
