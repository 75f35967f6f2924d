"""Edited images as files: dyed, animated, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import SIDE
from vectorfind.characters import pictures as module
from vectorfind.characters.pictures import DyedFaces, Look, write_edits
from vectorfind.characters.settings import OMBRE_DEFAULTS


class HairBelow:
    """Hair is the lower half of every image."""

    device = "cpu"

    def __init__(self):
        self.calls = 0

    def __call__(self, images):
        self.calls += 1
        masks = torch.zeros(len(images), 1, *images.shape[-2:])
        masks[:, :, SIDE // 2 :] = 1
        return masks


@pytest.fixture
def path(found, models, tmp_path, monkeypatch):
    """A file of directions that is opened on the toy networks, with a toy segmenter beside."""
    found().save(tmp_path / "directions.npz")
    real = module.load_directions

    def load(path, *networks, **more):
        return real(path, models.generator, models.scorer)

    monkeypatch.setattr(module, "load_directions", load)
    monkeypatch.setattr(module, "segmenter_for", lambda generator: HairBelow())
    return tmp_path / "directions.npz"


def frames_of(path):
    with Image.open(path) as gif:
        pictures = []
        for number in range(gif.n_frames):
            gif.seek(number)
            pictures.append(np.asarray(gif.convert("RGB")).astype(int))
        return pictures


def test_dye_changes_the_hair_alone(path, tmp_path):
    write_edits(path, tmp_path / "plain", Look({"eyes": 1.0}, {}), count=1)
    write_edits(path, tmp_path / "dyed", Look({"eyes": 1.0}, {"ombre-color": 0.0}), count=1)
    plain, dyed = (
        np.asarray(Image.open(tmp_path / name / "edited_0000.png")).astype(int)
        for name in ("plain", "dyed")
    )
    half = len(plain) // 2
    assert np.array_equal(plain[:half], dyed[:half])
    red, green, blue = dyed[-1].mean(axis=0)
    assert red > green + 20
    assert red > blue + 20


def test_what_is_left_out_of_the_dye_is_the_default(found, path):
    faces = DyedFaces(found().at(np.zeros((1, 14)), np.zeros((1, 2))), HairBelow())
    assert torch.equal(
        faces.images(Look({}, {"ombre-color": OMBRE_DEFAULTS["ombre-color"]})),
        faces.images(Look({}, OMBRE_DEFAULTS)),
    )


def test_an_animation_goes_there_and_back(path, tmp_path):
    out = tmp_path / "eyes.gif"
    sweeps = ["eyes=-8:8"]
    paths = write_edits(path, None, Look({}, {}), out, sweeps, frames=5, rate=10, count=1)
    assert paths == [out]
    frames = frames_of(out)
    assert len(frames) == 8
    bright = [frame[: frame.shape[0] // 8].mean() for frame in frames]  # the band of the eyes
    assert bright[0] < bright[1] < bright[2] < bright[3] < bright[4]
    assert bright[5:] == bright[3:0:-1]
    with Image.open(out) as gif:
        assert gif.info["duration"] == 100


def test_without_a_sweep_all_that_is_given_rises_from_nothing(path, tmp_path):
    look = Look({"eyes": 8.0}, {})
    write_edits(path, tmp_path / "edited.png", look, tmp_path / "a.gif", frames=3, count=1)
    first, *_ = frames_of(tmp_path / "a.gif")
    write_edits(path, None, Look({}, {}), tmp_path / "b.gif", ["eyes=0:8"], frames=3, count=1)
    assert np.array_equal(first, frames_of(tmp_path / "b.gif")[0])
    assert (tmp_path / "edited.png").exists()


def test_a_sweep_of_the_dye_segments_once(found, path, tmp_path, monkeypatch):
    segmenter = HairBelow()
    monkeypatch.setattr(module, "segmenter_for", lambda generator: segmenter)
    sweeps = ["ombre-height=0:1"]
    write_edits(path, None, Look({"eyes": 1.0}, {}), tmp_path / "a.gif", sweeps, frames=4, count=1)
    assert segmenter.calls == 1
    frames = frames_of(tmp_path / "a.gif")
    assert not np.array_equal(frames[0], frames[3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"out": None}, "nowhere to write"),
        ({"look": Look({}, {})}, "nothing to edit"),
        ({"count": 0}, "count is 0; give a whole number from 1 to 10,000"),
        ({"count": 1_000_000}, "count is 1000000"),
        ({"seed": -1}, "seed is -1"),
        ({"animation": "a.gif", "frames": 100_000}, "frames is 100000; give .* 2 to 1,000"),
        ({"animation": "a.gif", "rate": 1e-9}, "rate is 1e-09"),
        ({"look": Look({"eyes": 1e38}, {})}, "strength of eyes is 1e.38; give .* to 1000"),
        ({"look": Look({"eyes": float("nan")}, {})}, "strength of eyes is nan"),
        ({"animation": "a.gif", "sweeps": ["eyes=0:1e38"]}, "strength of eyes"),
        ({"animation": "a.gif", "sweeps": ["eyes=0:1", "eyes=0:2"]}, "sweep stands twice"),
        ({"look": Look({"nose": 1.0}, {})}, "nose.*eyes"),
        ({"look": Look({}, {"ombre-height": 1.5})}, "ombre-height is 1.5.*0 to 1"),
        ({"look": Look({}, {"ombre-hue": 0.5})}, "ombre-hue.*ombre-color"),
        ({"animation": "a.png"}, "does not end in .gif"),
        ({"animation": "a.gif", "rate": 0.0}, "rate is 0.0; give a number from 0.1 to 50"),
        ({"animation": "a.gif", "sweeps": ["eyes"]}, "NAME=FROM:TO"),
        ({"animation": "a.gif", "sweeps": ["nose=0:1"]}, "nose"),
        ({"animation": "a.gif", "sweeps": ["ombre-height=0:2"]}, "ombre-height"),
        ({"animation": "a.gif", "look": Look({}, {})}, "nothing to animate"),
        ({"sweeps": ["eyes=0:1"]}, "needs --animate"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(path, tmp_path, arguments, message):
    given = {"out": tmp_path / "new" / "out.png", "look": Look({"eyes": 1.0}, {})} | arguments
    if "animation" in arguments:
        given["animation"] = tmp_path / "new" / arguments["animation"]
    with pytest.raises(InputError, match=message):
        write_edits(path, **given)
    assert not list(tmp_path.glob("new/*"))


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP")]
)
def test_a_sheet_has_the_format_of_its_name(name, form, path, tmp_path):
    assert write_edits(path, tmp_path / name, Look({"eyes": 1.0}, {}), count=1)
    with Image.open(tmp_path / name) as sheet:
        assert sheet.format == form


def test_a_picture_of_another_kind_is_no_folder(path, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.png"):
        write_edits(path, tmp_path / "a.bmp", Look({"eyes": 1.0}, {}), count=1)
    assert not (tmp_path / "a.bmp").exists()


def test_images_that_fill_the_memory_are_refused_before_they_are_made(path, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 4 * 3 * SIDE * SIDE * 2)
    write_edits(path, tmp_path / "two.png", Look({"eyes": 1.0}, {}), count=2)
    with pytest.raises(InputError, match=r"3 images take .* give a smaller count"):
        write_edits(path, tmp_path / "three.png", Look({"eyes": 1.0}, {}), count=3)
    with pytest.raises(InputError, match="or fewer frames"):
        write_edits(path, None, Look({"eyes": 1.0}, {}), tmp_path / "a.gif", count=2, frames=24)
    assert [file.name for file in tmp_path.glob("*.*g*")] == ["two.png"]


def test_latents_that_are_no_numbers_are_refused(path, tmp_path):
    np.savez(tmp_path / "z.npz", z=np.full((1, 14), np.nan, np.float32), label=np.zeros((1, 2)))
    with pytest.raises(InputError, match="z or label holds NaN"):
        write_edits(path, tmp_path / "a.png", Look({"eyes": 1.0}, {}), latents=tmp_path / "z.npz")
