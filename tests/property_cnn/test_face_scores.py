"""Scores of maps drawn by hand, whose answers are worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.face_scores import hairstyle, parsing_scores, trimmed_moments
from property_cnn.faces.classes import Part
from property_cnn.properties import PROPERTIES


def empty_map(side=224, fill=Part.SKIN):
    return torch.full((side, side), int(fill), dtype=torch.uint8)


def image_of(grey):
    """(1, 3, h, w) image in [-1, 1] of grey levels 0..255 (h, w)."""
    return (grey / 127.5 - 1).expand(1, 3, *grey.shape)


def scores_of(parsing, grey=None):
    """The scores of one map, by name; the image is mid-grey if not given."""
    grey = torch.full(parsing.shape, 127.5) if grey is None else grey
    row = parsing_scores(image_of(grey), parsing[None])[0]
    return dict(zip(PROPERTIES, row.tolist(), strict=True))


def ellipse(side, x, y, long_axis, short_axis, degrees):
    """Mask of an ellipse whose long axis is turned clockwise as the viewer sees it."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    turn = math.radians(degrees)
    along = (column - x) * math.cos(turn) + (row - y) * math.sin(turn)
    across = (row - y) * math.cos(turn) - (column - x) * math.sin(turn)
    return (along / long_axis) ** 2 + (across / short_axis) ** 2 <= 1


def test_a_face_without_parts_gets_the_documented_constants():
    scores = scores_of(empty_map())
    assert scores == pytest.approx(
        {
            "eyes": 0,
            "hair_color": 127.5,
            "hair_length": 0,
            "mouth": 0,
            "pose": 0,
            "background_mean": 127.5,
            "background_std": 0,
            "hairstyle": 0.45,
        }
    )


def test_eyes_take_the_wider_of_two_rectangles():
    parsing = empty_map()
    parsing[95:105, 60:90] = Part.LEFT_EYE  # 10 rows high
    parsing[96:104, 130:160] = Part.RIGHT_EYE  # 8 rows high
    assert scores_of(parsing)["eyes"] == pytest.approx(10, abs=1e-5)
    parsing[90:110, 140] = Part.RIGHT_EYE  # one column 20 high; still symmetric about 99.5
    assert scores_of(parsing)["eyes"] == pytest.approx(20, abs=1e-5)


def test_eyes_count_from_the_first_to_the_last_row_of_a_column():
    parsing = empty_map()
    parsing[90:92, 60:90] = Part.LEFT_EYE
    parsing[100:102, 60:90] = Part.LEFT_EYE  # a gap (an iris under a lock of hair) still counts
    assert scores_of(parsing)["eyes"] == pytest.approx(12, abs=1e-5)


def test_an_upright_eye_scores_nothing_and_a_square_one_its_height():
    parsing = empty_map()
    parsing[90:120, 60:70] = Part.LEFT_EYE
    assert scores_of(parsing)["eyes"] == pytest.approx(0, abs=1e-5)
    parsing = empty_map()
    parsing[90:100, 60:70] = Part.LEFT_EYE
    assert scores_of(parsing)["eyes"] == pytest.approx(10, abs=1e-5)


@pytest.mark.parametrize("degrees", [-40, -20, 0, 20, 40])
def test_a_turned_ellipse_is_measured_by_its_column_and_the_cosine_of_its_axis(degrees):
    parsing = empty_map()
    parsing[ellipse(224, 80, 110, 30, 10, degrees)] = Part.LEFT_EYE
    # The chord of the ellipse along the column through its centre, times the cosine.
    turn = math.radians(degrees)
    chord = 2 / math.sqrt((math.sin(turn) / 30) ** 2 + (math.cos(turn) / 10) ** 2)
    assert scores_of(parsing)["eyes"] == pytest.approx(chord * math.cos(turn), abs=1.5)


def test_pose_is_the_slope_between_the_eyes_positive_clockwise():
    parsing = empty_map()
    parsing[95:105, 60:80] = Part.LEFT_EYE  # centroid (69.5, 99.5)
    parsing[110:120, 140:160] = Part.RIGHT_EYE  # centroid (149.5, 114.5)
    assert scores_of(parsing)["pose"] == pytest.approx(15 / 80)
    mirrored = parsing.flip(1)
    swapped = mirrored.clone()
    swapped[mirrored == Part.LEFT_EYE] = Part.RIGHT_EYE
    swapped[mirrored == Part.RIGHT_EYE] = Part.LEFT_EYE
    assert scores_of(swapped)["pose"] == pytest.approx(-15 / 80)


def test_pose_is_zero_where_an_eye_is_missing():
    parsing = empty_map()
    parsing[95:105, 60:80] = Part.LEFT_EYE
    assert scores_of(parsing)["pose"] == 0


def test_mouth_is_the_share_of_its_inside():
    parsing = empty_map()
    parsing[150:154, 100:120] = Part.UPPER_LIP  # 80
    parsing[154:157, 100:120] = Part.INNER_MOUTH  # 60
    parsing[157:160, 100:120] = Part.LOWER_LIP  # 60
    assert scores_of(parsing)["mouth"] == pytest.approx(60 / 200)


def test_hair_color_is_the_mean_of_the_middle_four_fifths():
    parsing = empty_map()
    parsing[0, :20] = Part.HAIR
    grey = torch.full((224, 224), 30.0)
    grey[0, :20] = torch.tensor([0.0, 5.0, *range(50, 66), 240.0, 255.0]).flip(0)
    assert scores_of(parsing, grey)["hair_color"] == pytest.approx(57.5, abs=1e-3)


def test_hair_color_averages_red_green_and_blue():
    parsing = empty_map(fill=Part.HAIR)
    levels = torch.tensor([30.0, 60.0, 120.0]).view(1, 3, 1, 1)
    images = (levels / 127.5 - 1).expand(1, 3, 224, 224)
    assert parsing_scores(images, parsing[None])[0, 1] == pytest.approx(70, abs=1e-3)


def test_background_leaves_out_a_twentieth_at_either_end_and_the_lower_half():
    parsing = empty_map()
    parsing[50, :40] = Part.BACKGROUND
    parsing[150, :40] = Part.BACKGROUND
    grey = torch.full((224, 224), 250.0)
    grey[50, :40] = torch.tensor([0.0, 0.0] + [100.0] * 18 + [140.0] * 18 + [255.0, 255.0])
    scores = scores_of(parsing, grey)
    assert scores["background_mean"] == pytest.approx(120, abs=1e-3)
    assert scores["background_std"] == pytest.approx(20, abs=1e-3)


def test_trimmed_moments_drop_whole_pixels_only():
    values = torch.arange(19.0)[None, None]  # a tenth of 19 is one pixel
    mean, std, count = trimmed_moments(values, torch.ones_like(values, dtype=torch.bool), 0.1)
    assert mean.item() == 9
    assert count.item() == 19
    assert std.item() == pytest.approx(torch.arange(1.0, 18.0).std(correction=0).item())


def test_hair_length_counts_long_rows_below_the_top_quarter():
    parsing = empty_map()
    parsing[:60, :100] = Part.HAIR  # only rows 56..59 lie below the top quarter
    parsing[60:70, :20] = Part.HAIR  # ten rows of just enough
    parsing[70:90, :19] = Part.HAIR  # too thin
    assert scores_of(parsing)["hair_length"] == 14


def test_hair_that_leaves_the_frame_is_longer_by_its_width():
    parsing = empty_map()
    parsing[200:, :40] = Part.HAIR  # 24 rows; (40 - 10) / 2 beyond
    parsing[220:, 200:] = Part.HAIR  # (24 - 10) / 2 beyond
    assert scores_of(parsing)["hair_length"] == 24 + 15 + 7
    parsing[223, :] = Part.SKIN
    parsing[223, :8] = Part.HAIR  # fewer than ten: nothing beyond
    assert scores_of(parsing)["hair_length"] == 23


def test_hairstyle_of_stripes():
    parsing = empty_map(fill=Part.HAIR)
    row, column = torch.meshgrid(torch.arange(224), torch.arange(224), indexing="ij")
    across = 100 + 40.0 * (row // 8 % 2)  # changes downward only: 40 / (0 + 5)
    assert scores_of(parsing, across)["hairstyle"] == pytest.approx(8, rel=1e-4)
    along = 100 + 40.0 * (column // 8 % 2)
    assert scores_of(parsing, along)["hairstyle"] == pytest.approx(0, abs=1e-4)
    ramp = 0.5 * row + 0.25 * column  # 4 / (2 + 5)
    assert scores_of(parsing, ramp.float())["hairstyle"] == pytest.approx(4 / 7, rel=1e-4)


def test_hairstyle_needs_whole_blocks_with_whole_neighbours():
    parsing = empty_map()
    parsing[112:124, 40:60] = Part.HAIR  # 3 by 5 blocks: one block has all three neighbours
    grey = torch.full((224, 224), 100.0)
    grey[112:116, 48:52] = 130.0  # that block
    grey[112:116, 56:60] = 120.0  # its right neighbour: differences 30 left, 10 right, 30 below
    assert scores_of(parsing, grey)["hairstyle"] == pytest.approx(30 / 35, rel=1e-4)
    parsing[123, 50] = Part.SKIN
    assert scores_of(parsing, grey)["hairstyle"] == pytest.approx(0.45)


def test_hairstyle_ignores_the_upper_half():
    grey = torch.rand(1, 224, 224, generator=torch.Generator().manual_seed(0)) * 255
    hair = torch.ones(1, 224, 224, dtype=torch.bool)
    hair[:, 112:] = False
    assert hairstyle(grey, hair).item() == pytest.approx(0.45)


def test_another_map_size_gives_scores_in_the_same_units():
    parsing = empty_map()
    parsing[60:, 20:60] = Part.HAIR
    parsing[92:104, 80:108] = Part.LEFT_EYE
    parsing[96:108, 140:164] = Part.RIGHT_EYE
    parsing[160:168, 100:140] = Part.INNER_MOUTH
    parsing[168:180, 100:140] = Part.LOWER_LIP
    parsing[:100, 180:] = Part.BACKGROUND
    large = parsing.repeat_interleave(2, 0).repeat_interleave(2, 1)
    once, twice = scores_of(parsing), scores_of(large)
    for name in ("eyes", "hair_length", "mouth", "pose", "background_mean"):
        assert twice[name] == pytest.approx(once[name], rel=1e-5)


def test_images_are_resized_and_rows_do_not_mix():
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(3, 3, 64, 64, generator=generator) * 2 - 1
    maps = torch.randint(0, 14, (3, 28, 28), generator=generator, dtype=torch.uint8)
    maps = maps.repeat_interleave(8, 1).repeat_interleave(8, 2)
    together = parsing_scores(images, maps)
    assert together.shape == (3, 8)
    assert together.dtype == torch.float32
    alone = torch.cat([parsing_scores(images[i : i + 1], maps[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone)
    assert parsing_scores(images[:0], maps[:0]).shape == (0, 8)


@pytest.mark.parametrize(
    ("images", "maps"),
    [((2, 1, 8, 8), (2, 8, 8)), ((2, 3, 8, 8), (2, 8, 9)), ((2, 3, 8, 8), (1, 8, 8))],
)
def test_wrong_shapes_are_refused(images, maps):
    with pytest.raises(InputError):
        parsing_scores(torch.zeros(images), torch.zeros(maps, dtype=torch.uint8))
