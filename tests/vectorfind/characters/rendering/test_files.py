"""Characters as files: pictures, animations, films, frames."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from property_cnn.common.errors import InputError, MissingError
from tests.vectorfind.conftest import SIDE
from vectorfind.characters.character import Character
from vectorfind.characters.rendering import animation
from vectorfind.characters.rendering.files import write_render

ROWS = "time,eyes,mouth\n0,-1,0\n1,1,0.5\n"


@pytest.fixture(scope="module")
def anna(found) -> Character:
    z, label = np.full(14, 0.1, np.float32), np.full(2, -0.2, np.float32)
    return Character.from_latent(found(), z, label, name="Anna")


@pytest.fixture
def render(anna, models, tmp_path):
    anna.save(tmp_path / "anna.safetensors")
    (tmp_path / "script.csv").write_text(ROWS)

    def write(name, values=None, **options):
        options = {"generator": models.generator, "quiet": True} | options
        return write_render(tmp_path / "anna.safetensors", tmp_path / name, values, **options)

    return write


def test_a_picture_is_the_character(render, anna):
    (path,) = render("a.png", {"eyes": 0.5})
    np.testing.assert_array_equal(np.asarray(Image.open(path)), anna.render(eyes=0.5))


def test_frames_follow_the_script(render, anna, tmp_path):
    paths = render("frames", {"pose": 0.3}, script=tmp_path / "script.csv", rate=2)
    assert [path.name for path in paths] == [f"frame_0000{k}.png" for k in range(3)]
    wanted = anna.render(eyes=[-1.0, 0.0, 1.0], mouth=[0.0, 0.25, 0.5], pose=0.3)
    found = np.stack([np.asarray(Image.open(path)) for path in paths]).astype(int)
    assert np.abs(found - wanted).max() <= 1  # of another batch size


def test_gif(render, tmp_path):
    (path,) = render("a.gif", script=tmp_path / "script.csv", rate=10)
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.size) == (11, (SIDE, SIDE))


def test_film(render, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    (path,) = render("a.mp4", script=tmp_path / "script.csv", rate=25, between="eased")
    words = [ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo",
             "-pix_fmt", "rgb24", "-"]  # fmt: skip
    raw = subprocess.run(words, capture_output=True, check=True).stdout
    assert len(raw) == 26 * SIDE * SIDE * 3


def test_a_film_needs_its_extra(render, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingError, match=r"pip install 'vectorfind\[video\]'"):
        render("a.mp4", script=tmp_path / "script.csv")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.gif", {}, "a picture ends in .png"),
        ("a.png", {"script": "script.csv"}, "a script becomes a .gif"),
        ("a.gif", {"script": "script.csv", "rate": 90.0}, "frames a second"),
        ("a.gif", {"script": "script.csv", "between": "cubic"}, "between"),
        ("a.png", {"values": {"nose": 1.0}}, "nose"),
    ],
)
def test_what_is_refused(render, tmp_path, name, options, said):
    if "script" in options:
        options = options | {"script": tmp_path / options["script"]}
    with pytest.raises(InputError, match=said):
        render(name, **options)


def test_a_film_of_nothing_is_refused(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra video")
    with pytest.raises(InputError, match="no frames"):
        animation.write_mp4([], tmp_path / "a.mp4")
