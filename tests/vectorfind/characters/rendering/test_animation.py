"""Animations: frames come back in order and time, sweeps go there and back."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from property_cnn.common.errors import InputError
from vectorfind.characters.rendering.animation import (
    sweep_frames,
    sweep_of,
    sweep_values,
    write_gif,
)


def test_sweeps_go_there_and_back():
    assert sweep_values(0, 1, 3) == [0, 0.5, 1, 0.5]
    assert sweep_values(1, -1, 2) == [1, -1]
    assert sweep_values(0, 1, 3, back=False) == [0, 0.5, 1]
    assert sweep_of("ombre_height=0:1", 2) == ("ombre_height", [0, 1])
    for text in ("mouth", "mouth=1", "mouth=a:b"):
        with pytest.raises(InputError, match="NAME=FROM:TO"):
            sweep_of(text, 4)
    with pytest.raises(InputError, match="at least 2"):
        sweep_values(0, 1, 1)
    with pytest.raises(InputError, match="finite"):
        sweep_of("mouth=nan:1", 4)


def test_each_value_is_rendered_once():
    asked = []

    def render(value):
        asked.append(value)
        return torch.full((2, 3, 8, 8), value)

    frames = sweep_frames(render, [0.0, 1.0, 0.0])
    assert asked == [0.0, 1.0]
    assert frames.shape == (3, 128, 260, 3)
    assert [frame[0, 0, 0] for frame in frames] == [128, 255, 128]


@pytest.mark.parametrize("rate", [12.0, 25.0, 30.0])
def test_frames_and_their_rate_are_kept(tmp_path, rate):
    frames = np.stack([np.full((16, 24, 3), 20 * i, np.uint8) for i in range(12)])
    frames[..., 1] = 90
    path = tmp_path / "a.gif"
    write_gif(frames, path, rate)
    whole = path.read_bytes()
    write_gif(frames, path, rate)
    assert path.read_bytes() == whole
    with Image.open(path) as picture:
        assert picture.info["loop"] == 0
        shown = [
            (f.info["duration"], np.array(f.convert("RGB")))
            for f in ImageSequence.Iterator(picture)
        ]
    assert sum(duration for duration, _ in shown) == pytest.approx(12_000 / rate, abs=10)
    assert len(shown) == 12
    for frame, (_, pixels) in zip(frames, shown, strict=True):
        assert np.abs(frame.astype(int) - pixels).mean() < 4


def test_wrong_frames_names_and_rates_are_refused(tmp_path):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(InputError, match="uint8"):
        write_gif(frames.astype(float), tmp_path / "a.gif")
    with pytest.raises(InputError, match=r"\.gif"):
        write_gif(frames, tmp_path / "a.png")
    for rate in (0, 1e-4, 51, float("nan")):
        with pytest.raises(InputError, match=r"from 0\.1 to 50"):
            write_gif(frames, tmp_path / "a.gif", rate)
