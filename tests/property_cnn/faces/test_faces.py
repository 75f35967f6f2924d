"""The renderer: populations, pictures, parsing maps, and that attributes do what they say."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.face_scores import parsing_scores
from property_cnn.faces import (
    ATTRIBUTES,
    Part,
    attributes_from_normal,
    render_both,
    render_faces,
    render_parsing,
    sample_attributes,
)
from property_cnn.faces.attributes import LIMIT
from property_cnn.properties import PROPERTIES

AVERAGE = torch.zeros(1, len(ATTRIBUTES))


def face(**attributes: float) -> torch.Tensor:
    row = AVERAGE.clone()
    for name, value in attributes.items():
        row[0, ATTRIBUTES.index(name)] = value
    return row


def score(attributes: torch.Tensor, name: str) -> float:
    images, parts = render_both(attributes, 224)
    return float(parsing_scores(images, parts)[0, PROPERTIES.index(name)])


def test_a_face_depends_on_seed_and_number_alone():
    whole = sample_attributes(20, seed=3)
    assert torch.equal(whole[7:12], sample_attributes(5, seed=3, start=7))
    assert not torch.equal(whole, sample_attributes(20, seed=4))


def test_population_has_the_wanted_correlations_and_limits():
    sample = sample_attributes(4000, seed=0).numpy()
    table = np.corrcoef(sample.T)
    at = {name: i for i, name in enumerate(ATTRIBUTES)}
    assert table[at["gender"], at["hair_length"]] > 0.3
    assert table[at["skin_tone"], at["hair_brightness"]] < -0.25
    assert abs(table[at["roll"], at["hair_length"]]) < 0.06
    assert np.abs(sample).max() <= LIMIT
    assert np.abs(sample.mean(axis=0)).max() < 0.07


def test_attributes_follow_their_factors():
    factors = torch.zeros(2, len(ATTRIBUTES))
    factors[1, ATTRIBUTES.index("roll")] = 1.0
    difference = attributes_from_normal(factors).diff(dim=0)[0]
    assert int(difference.abs().argmax()) == ATTRIBUTES.index("roll")


def test_pictures_have_shape_range_and_do_not_depend_on_the_batch():
    attributes = sample_attributes(37, seed=1)
    images = render_faces(attributes, 32)
    assert images.shape == (37, 3, 32, 32)
    assert images.dtype == torch.float32
    assert float(images.abs().max()) <= 1.0
    alone = torch.cat([render_faces(row[None], 32) for row in attributes])
    assert torch.allclose(images, alone, atol=1e-5)


def test_sizes_show_the_same_face():
    attributes = sample_attributes(4, seed=2)
    small = render_faces(attributes, 64)
    large = torch.nn.functional.avg_pool2d(render_faces(attributes, 256), 4)
    assert float((small - large).abs().mean()) < 0.05


def test_parsing_map_has_every_part_where_it_belongs():
    parts = render_parsing(face(glasses=2.0, mouth_open=2.0, hair_length=-1.5), 224)[0]
    assert set(parts.unique().tolist()) == {int(part) for part in Part}
    rows, columns = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    left, right = parts == Part.LEFT_EYE, parts == Part.RIGHT_EYE
    assert columns[left].float().mean() < 112 < columns[right].float().mean()
    assert rows[parts == Part.BROWS].float().mean() < rows[left].float().mean()
    assert (
        rows[parts == Part.UPPER_LIP].float().mean() < rows[parts == Part.LOWER_LIP].float().mean()
    )


def test_features_sit_in_the_scorers_crops():
    parts = render_parsing(sample_attributes(64, seed=5), 64)
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    eyes = (parts == Part.LEFT_EYE) | (parts == Part.RIGHT_EYE)
    seen = (rows >= 24) & (rows < 36) & (columns >= 16) & (columns < 48)
    assert float((eyes & seen).sum() / eyes.sum()) > 0.97
    mouth = parts == Part.INNER_MOUTH
    seen = (rows >= 40) & (rows < 52) & (columns >= 24) & (columns < 40)
    assert float((mouth & seen).sum() / mouth.sum()) > 0.97


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("eye_open", "eyes"),
        ("mouth_open", "mouth"),
        ("roll", "pose"),
        ("hair_brightness", "hair_color"),
        ("hair_length", "hair_length"),
        ("background_light", "background_mean"),
        ("background_pattern", "background_std"),
    ],
)
def test_an_attribute_raises_its_score(attribute, name):
    scores = [score(face(**{attribute: value}), name) for value in (-1.2, 0.0, 1.2)]
    assert scores[0] < scores[1] < scores[2]


def test_curls_raise_the_hairstyle_score():
    straight, curly = (
        score(face(hair_curl=value, hair_length=1.5, hair_contrast=1.0), "hairstyle")
        for value in (-2.0, 2.0)
    )
    assert straight < curly


def test_average_face_looks_straight_ahead():
    assert abs(score(AVERAGE, "pose")) < 0.02


def test_wrong_attributes_are_refused():
    with pytest.raises(InputError, match="need"):
        render_faces(torch.zeros(2, 3))
    with pytest.raises(InputError, match="16 pixels"):
        render_faces(AVERAGE, 8)
