"""A teacher of photographs: its parts by known answers, and the whole on a person by hand."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import ScorerError
from property_cnn.hair import photographs
from property_cnn.hair.photographs import (
    BACKGROUND,
    CHIN,
    CLOTHES,
    HAIR,
    OVAL,
    SIDE,
    SKIN,
    PersonSegmenter,
    PhotographSegmenter,
    PhotographTeacher,
    classified,
    colour_bins,
    face_frame,
    guided_filter,
    hanging,
    in_polygon,
    likelihoods,
)
from property_cnn.landmarks.files import FACE, PERSON, from_tflite
from property_cnn.landmarks.scorer import LandmarksScorer
from property_cnn.segmentation.teachers import hair_probability
from tests.property_cnn.landmarks.conftest import centred_face, face_file, person_file

BLUE, BROWN, PINK, GREEN = (-0.6, -0.4, 0.8), (-0.5, -0.7, -0.9), (0.8, 0.4, 0.2), (-0.8, 0.6, -0.6)


def landmarks(top=70.0, chin=150.0, half=32.0, side=SIDE):
    """Points of an oval face (1, 468, 2) whose forehead and chin are in these rows."""
    points = torch.full((1, 468, 2), side / 2)
    turn = torch.linspace(0, 2 * torch.pi, len(OVAL) + 1)[:-1]  # from the top, to the right
    middle = (top + chin) / 2
    points[0, list(OVAL), 0] = side / 2 + half * turn.sin()
    points[0, list(OVAL), 1] = middle - (chin - top) / 2 * turn.cos()
    return points


def person_by_hand(top=70, chin=150, hair_down_to=130, side=SIDE):
    """An image (1, 3, S, S), the person's mask and the true hair: a cap of hair around an oval."""
    y, x = torch.meshgrid(*[torch.arange(side) + 0.5] * 2, indexing="ij")
    dx = x - side / 2
    face = (dx / 32) ** 2 + ((y - (top + chin) / 2) / ((chin - top) / 2)) ** 2 < 1
    head = ((dx / 48) ** 2 + ((y - 105) / 60) ** 2 < 1) & (y < hair_down_to)
    neck = (dx.abs() < 16) & (y > chin - 20) & (y < 185)
    clothes = (y > 180) & (dx.abs() < 80)
    image = torch.tensor(BLUE).view(3, 1, 1).expand(3, side, side).clone()
    for where, colour in ((head, BROWN), (neck | face, PINK), (clothes, GREEN)):
        image[:, where] = torch.tensor(colour)[:, None]
    image += 0.04 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    person = (face | head | neck | clothes).float()
    return image[None].clamp(-1, 1), person[None, None], head & ~face & ~neck & ~clothes


def iou(one, other):
    return float((one & other).sum() / (one | other).sum())


def test_hair_of_a_person_by_hand_is_found():
    image, person, hair = person_by_hand()
    shares = classified(image, person, landmarks())
    torch.testing.assert_close(shares.sum(1), torch.ones(1, SIDE, SIDE))
    assert iou(shares[0, HAIR] >= 0.5, hair) > 0.93
    assert float(shares[0, SKIN, 110, 112]) > 0.95  # nose
    assert float(shares[0, CLOTHES, 210, 112]) > 0.9
    assert float(shares[0, BACKGROUND, 20, 20]) > 0.95


def test_long_hair_goes_on_below_the_chin_and_clothes_of_its_colour_do_not():
    image, person, _ = person_by_hand()
    shirt = image.clone()
    shirt[:, :, 181:] = torch.where(
        (image[:, 1:2, 181:] > 0.3), torch.tensor(BROWN).view(3, 1, 1), image[:, :, 181:]
    )
    shares = classified(shirt, person, landmarks())
    assert float((shares[0, HAIR, 190:, 40:184] >= 0.5).float().mean()) < 0.02
    longer = image.clone()
    both = torch.cat([torch.arange(66, 80), torch.arange(146, 158)])
    longer[:, :, 100:200, both] = torch.tensor(BROWN).view(1, 3, 1, 1)
    shares = classified(longer, person, landmarks())
    assert float((shares[0, HAIR, 150:178, 68:78] >= 0.5).float().mean()) < 0.5  # no person there
    whole = person.clone()
    whole[:, :, 100:200, both] = 1
    shares = classified(longer, whole, landmarks())
    assert float((shares[0, HAIR, 150:195, 68:78] >= 0.5).float().mean()) > 0.9


def test_images_of_a_batch_do_not_change_one_another():
    image, person, _ = person_by_hand()
    other = image.flip(-1).neg()
    points = landmarks()
    alone = classified(image, person, points)
    both = classified(
        torch.cat([other, image]), torch.cat([person, person]), torch.cat([points, points])
    )
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)


def test_a_polygon_holds_the_pixels_whose_middles_lie_in_it():
    square = torch.tensor([[[2.0, 1.0], [5.0, 1.0], [5.0, 4.0], [2.0, 4.0]]])
    wanted = torch.zeros(1, 6, 6, dtype=torch.bool)
    wanted[:, 1:4, 2:5] = True
    assert torch.equal(in_polygon(square, 6), wanted)
    assert torch.equal(in_polygon(square.flip(1), 6), wanted)
    triangle = torch.tensor([[[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]]])
    y, x = torch.meshgrid(*[torch.arange(6) + 0.5] * 2, indexing="ij")
    inside = in_polygon(triangle, 6)[0]
    assert torch.equal(inside[x + y != 6], (x + y < 6)[x + y != 6])


def test_the_face_frame_is_0_at_the_forehead_and_1_at_the_chin_however_it_is_rolled():
    points = landmarks()
    across, down = face_frame(points, SIDE)
    assert float(down[0, 69, 111]) == pytest.approx(0, abs=0.01)
    assert float(down[0, 149, 111]) == pytest.approx(1, abs=0.01)
    assert float(across[0, 110, 143]) == pytest.approx(1, abs=0.03)
    turned = torch.stack([SIDE - points[..., 1], points[..., 0]], dim=-1)  # a quarter clockwise
    across2, down2 = face_frame(turned, SIDE)
    torch.testing.assert_close(down2, down.rot90(-1, (1, 2)), atol=1e-4, rtol=0)
    torch.testing.assert_close(across2, across.rot90(-1, (1, 2)), atol=1e-4, rtol=0)


def test_a_colour_is_likely_where_its_class_has_it():
    images = torch.zeros(1, 3, 8, 8)
    images[:, 0, :, 4:], images[:, 2, :, :4] = 0.9, 0.9  # red at the right, blue at the left
    shares = torch.zeros(1, 2, 8, 8)
    shares[:, 0, :4, 4:], shares[:, 1, :4, :4] = 1, 1  # told in the upper half alone
    seen = likelihoods(colour_bins(images), shares)
    assert bool((seen[0, 0, :, 4:] > 100 * seen[0, 1, :, 4:]).all())
    assert bool((seen[0, 1, :, :4] > 100 * seen[0, 0, :, :4]).all())


def test_hair_hangs_from_above():
    hair = torch.zeros(1, 12, 9)
    hair[:, 2:9, 2] = 0.8  # a strand past the cheeks
    hair[:, 9:, 6] = 1.0  # clothes of its colour
    points = torch.zeros(1, 468, 2)
    points[:, CHIN, 1] = 5 / 0.65
    kept = hanging(hair, points)
    assert torch.equal(kept[:, :9], hair[:, :9])
    assert float(kept[:, :, 6].max()) == 0
    hair[:, 8, 4] = 0.6  # joins them
    assert float(hanging(hair, points)[0, 11, 6]) == pytest.approx(0.6)


def test_the_guided_filter_keeps_the_guides_edges_and_flattens_the_rest():
    guide = torch.full((1, 3, 32, 32), -0.8)
    guide[..., 16:] = 0.8
    noise = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    maps = (guide[:, :1] > 0).float() + 0.3 * noise
    kept = guided_filter(guide, maps, 4, 1e-3)
    wanted = (guide[:, :1] > 0).float()
    assert float((kept - wanted).abs().max()) < 0.25
    assert float((kept - wanted).std()) < 0.06
    torch.testing.assert_close(guided_filter(guide, wanted, 4, 1e-5), wanted, atol=1e-3, rtol=0)
    flat = torch.zeros(1, 3, 32, 32)
    torch.testing.assert_close(guided_filter(flat, torch.ones(1, 2, 32, 32), 4, 1e-3),
                               torch.ones(1, 2, 32, 32))  # fmt: skip


def test_the_person_segmenter_sees_colours_in_0_to_1():
    person = PersonSegmenter(from_tflite(person_file((4.0, 0.0, -2.0), 0.5), PERSON, "a person"))
    images = torch.rand(3, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    red, _, blue = images.add(1).div(2).unbind(1)
    torch.testing.assert_close(person(images)[:, 0], (4 * red - 2 * blue + 0.5).sigmoid())
    assert person(images[:, :, :64, :64]).shape == (3, 1, 64, 64)
    assert person(images[:0]).shape == (0, 1, 256, 256)
    with pytest.raises(ScorerError, match="square"):
        person(images[:, :, :64])


@pytest.mark.parametrize(("logit", "seen"), [(20.0, True), (-5.0, False)])
def test_the_teacher_answers_the_protocol_and_without_a_face_there_is_no_hair(logit, seen):
    person = PersonSegmenter(from_tflite(person_file(), PERSON, "a person"))
    face = from_tflite(face_file(centred_face(), logit), FACE, "a face")
    teacher = PhotographTeacher(person, LandmarksScorer(face))
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    answer = teacher(images)
    assert answer.shape == (2, len(teacher.classes), SIDE, SIDE)
    torch.testing.assert_close(answer.sum(1), torch.ones(2, SIDE, SIDE), atol=1e-4, rtol=0)
    segmenter = PhotographSegmenter(teacher)
    masks = segmenter(images)
    assert masks.shape == (2, 1, 48, 48)
    torch.testing.assert_close(masks, hair_probability(teacher, images))
    assert (segmenter.digest, segmenter.device) == (teacher.digest, torch.device("cpu"))
    assert (float(answer[:, teacher.hair].max()) > 0.1) == seen
    assert len(teacher.digest) == 16


def test_another_version_has_another_digest(monkeypatch):
    person = PersonSegmenter(from_tflite(person_file(), PERSON, "a person"))
    scorer = LandmarksScorer(from_tflite(face_file(centred_face()), FACE, "a face"))
    first = PhotographTeacher(person, scorer).digest
    assert PhotographTeacher(person, scorer).digest == first
    monkeypatch.setattr(photographs, "VERSION", photographs.VERSION + 1)
    assert PhotographTeacher(person, scorer).digest != first
