"""The job: its folder, going on after a stop, and what is refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.jobs.verify import verify
from reports.plots.images import to_pixels
from tests.vectorfind.characters.inversion.conftest import LAYERS, SIDE, W_DIM, TinyGenerator, noise
from vectorfind.characters.character import load_character
from vectorfind.characters.inversion import job as module
from vectorfind.characters.inversion.inversion import load_inversion
from vectorfind.characters.inversion.job import CHARACTER, FILE, PICTURE, invert
from vectorfind.characters.inversion.measures import RMSE, SPREAD, UNUSUAL
from vectorfind.characters.inversion.settings import InvertSettings
from vectorfind.pipeline import find_directions

QUICK = InvertSettings(steps=20, starts=4, samples=64)


@pytest.fixture
def photo(generator):
    """(16, 16, 3) uint8 of a planted w."""
    w = generator.map(noise(1, W_DIM, seed=8), None)["w"]
    return to_pixels(generator.synthesize(w, "w").numpy())[0]


def test_a_picture_becomes_latents_and_a_folder(photo, generator, reader, tmp_path):
    found = invert(photo, generator, tmp_path / "out", QUICK)
    assert found.layer == "w+"
    assert found.latents.shape == (1, LAYERS * W_DIM)
    assert found.latents_w.shape == (1, W_DIM)
    assert found.label.shape == (1, 0)
    assert found.generator_digest == "tiny-generator"
    assert set(found.distances) == {"w", "w+"}
    assert found.distances["w+"][RMSE] < 30
    assert SPREAD in found.distances["w+"]
    assert [*found.images] == ["photograph", "w", "w+"]
    for layer, latents in (("w", found.latents_w), ("w+", found.latents)):
        made = generator.with_layer("w+").synthesize(torch.from_numpy(latents), layer)
        np.testing.assert_allclose(found.images[layer], made.numpy(), atol=1e-6)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {FILE, PICTURE, "photo.png", "w.png", "w+.png", "config.json"} <= names
    assert (np.asarray(Image.open(tmp_path / "out" / "photo.png")) == photo).all()
    assert verify(tmp_path / "out").whole
    loaded = load_inversion(tmp_path / "out" / FILE)
    assert (loaded.latents == found.latents).all()
    assert loaded.distances == found.distances
    assert loaded.made_from["finished"] is True


def test_without_a_folder_nothing_is_written_and_the_answer_is_the_same(
    photo, generator, reader, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    found = invert(photo, generator, None, QUICK)
    assert not list(tmp_path.iterdir())
    again = invert(photo, generator, tmp_path / "out", QUICK)
    assert (found.latents == again.latents).all()
    other = invert(photo, generator, None, replace(QUICK, seed=1))
    assert (found.latents != other.latents).any()


def test_w_alone(photo, generator, reader):
    found = invert(photo, generator, None, replace(QUICK, layer="w"))
    assert found.layer == "w"
    assert (found.latents == found.latents_w).all()
    assert UNUSUAL in found.distances["w"]


def test_a_stopped_job_keeps_its_best_and_goes_on(photo, generator, reader, tmp_path, monkeypatch):
    whole = invert(photo, generator, tmp_path / "whole", QUICK)
    real, count = TinyGenerator.synthesize, [0]

    def stopping(self, latents, layer):
        count[0] += 1
        if count[0] == 20:
            raise KeyboardInterrupt
        return real(self, latents, layer)

    monkeypatch.setattr(TinyGenerator, "synthesize", stopping)
    with pytest.raises(KeyboardInterrupt):
        invert(photo, generator, tmp_path / "out", QUICK)
    best = load_inversion(tmp_path / "out" / FILE)
    assert best.made_from["finished"] is False
    assert np.isfinite(best.latents).all()
    monkeypatch.setattr(TinyGenerator, "synthesize", real)
    again = invert(photo, generator, tmp_path / "out", QUICK)
    assert (again.latents == whole.latents).all()
    assert not (tmp_path / "out" / "state").exists()
    for name in (FILE, PICTURE):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_finished_folder_is_not_made_again(photo, generator, reader, tmp_path, monkeypatch):
    invert(photo, generator, tmp_path / "out", QUICK)
    monkeypatch.setattr(module, "search", None)
    before = (tmp_path / "out" / PICTURE).read_bytes()
    (tmp_path / "out" / PICTURE).unlink()
    invert(photo, generator, tmp_path / "out", QUICK)  # the picture alone is made again
    assert (tmp_path / "out" / PICTURE).read_bytes() == before
    with pytest.raises(InputError, match="steps: 20 there, 30 here"):
        invert(photo, generator, tmp_path / "out", replace(QUICK, steps=30))


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((4, 6, 3), np.uint8), "6 x 4 pixels; give a square picture"),
        (np.zeros((4, 4), np.uint8), r"uint8 of shape \(4, 4\); give \(H, W, 3\)"),
        (np.zeros((4, 4, 3)), "float64"),
        ("nothing.png", "no file nothing.png"),
    ],
)
def test_bad_pictures_are_refused_in_a_line(picture, said, generator, reader):
    with pytest.raises(InputError, match=said):
        invert(picture, generator, None, QUICK)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16", "P"])
def test_pictures_of_any_mode_are_taken(mode, generator, reader, tmp_path):
    grey = np.full((SIDE, SIDE), 128 * 257 if mode == "I;16" else 128)
    picture = Image.fromarray(grey.astype(np.uint16 if mode == "I;16" else np.uint8))
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    (picture if mode == "I;16" else picture.convert(mode)).save(path)
    found = invert(path, generator, None, replace(QUICK, steps=2, layer="w"))
    assert np.abs(found.images["photograph"]).max() < 0.02


def test_another_size_is_resized(photo, generator, reader):
    large = photo.repeat(4, axis=0).repeat(4, axis=1)
    found = invert(large, generator, None, replace(QUICK, steps=2, layer="w"))
    assert found.images["photograph"].shape == (1, 3, SIDE, SIDE)


@pytest.mark.parametrize("spoil", [{"layer": "v"}, {"latents": np.zeros((2, 3))},
                                   {"latents": np.full((1, 3), np.nan)}])  # fmt: skip
def test_damaged_files_are_refused(spoil, photo, generator, reader, tmp_path):
    found = invert(photo, generator, None, replace(QUICK, steps=2))
    path = tmp_path / FILE
    replace(found, **spoil).save(path)
    if "layer" in spoil:
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError):
        load_inversion(path)


def test_config_tells_what_it_was_made_of(photo, generator, reader, tmp_path):
    invert(photo, generator, tmp_path / "out", replace(QUICK, steps=2))
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["models"] == {"generator": "tiny-generator", "reader": "tiny-reader"}
    assert config["settings"]["steps"] == 2
    assert "device" not in config["settings"]


class Brightness:
    """Reads the mean of red and of blue."""

    digest, properties = "brightness", ("red", "blue")

    def __call__(self, images):
        return images[:, [0, 2]].mean(dim=(2, 3))


def test_with_directions_the_photograph_becomes_a_character(photo, generator, reader, tmp_path):
    find = {"group_by": (), "strengths": {"red": (-1, 0, 1), "blue": (-1, 0, 1)}, "units": "sigma"}
    directions = find_directions(
        400, "w", generator=generator, scorer=Brightness(), properties=("red", "blue"), **find
    )
    directions.save(tmp_path / "directions.npz")
    given = {"directions": tmp_path / "directions.npz", "scorer": Brightness()}
    found = invert(photo, generator, tmp_path / "out", QUICK, **given)
    assert verify(tmp_path / "out").whole
    character = load_character(tmp_path / "out" / CHARACTER, generator)
    assert character.face.layer == "w+"
    np.testing.assert_allclose(character.render(), to_pixels(found.images["w+"])[0], atol=1)
    assert all(value > 0.99 for value in character.made["correlations"].values())
    dark, bright = (character.images(red=slider).mean() for slider in (-1.0, 1.0))
    assert bright > dark
