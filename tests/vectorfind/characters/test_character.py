"""Characters of toy faces: sliders move their score alone, files hold all, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, save_tensors
from tests.vectorfind.conftest import SIDE, ToyGenerator
from vectorfind.characters import character as module
from vectorfind.characters.character import Character, load_character
from vectorfind.characters.measuring import slider_correlations
from vectorfind.directions.directions import Directions

Z, LABEL = np.full(14, 0.1, np.float32), np.full(2, -0.2, np.float32)


@pytest.fixture(scope="module")
def directions(found) -> Directions:
    return found()


@pytest.fixture(scope="module")
def anna(directions) -> Character:
    return Character.from_latent(directions, Z, LABEL, name="Anna", note="calm")


@pytest.fixture
def path(anna, tmp_path):
    anna.save(tmp_path / "anna.safetensors")
    return tmp_path / "anna.safetensors"


def scores_of(character, models, **values):
    return models.score(character.images(**values))


def test_sliders_reach_the_scores_that_they_stand_for(anna, models):
    for name in anna.properties:
        column, response = models.scored.index(name), anna.face.responses[name]
        sliders = np.linspace(-1, 1, 7)
        scores = scores_of(anna, models, **{name: sliders})[:, column]
        np.testing.assert_allclose(scores, response.score(sliders), atol=0.02)
    assert all(value > 0.999 for value in anna.made["correlations"].values())


def test_resting_sliders_are_the_unedited_face(anna, models):
    images = models.synthesize(models.map(Z[None], LABEL[None])["mapping_split2"], "mapping_split2")
    for given in ({}, anna.rest):
        np.testing.assert_allclose(anna.images(**given).numpy(), images.numpy(), atol=1e-6)
    np.testing.assert_array_equal(anna.render(), anna.render(**anna.rest))
    assert anna.thumbnail.shape == (SIDE, SIDE, 3)


def test_properties_add_up(anna, models):
    base = scores_of(anna, models)
    together = scores_of(anna, models, eyes=0.9, pose=-0.9)
    alone = scores_of(anna, models, eyes=0.9) + scores_of(anna, models, pose=-0.9) - base
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_pixels_are_those_of_the_images(anna):
    pixels = anna.render(eyes=0.4, mouth=np.array([-1.0, 0.0, 1.0]))
    images = anna.images(eyes=0.4, mouth=np.array([-1.0, 0.0, 1.0])).numpy()
    levels = np.rint((images.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
    np.testing.assert_array_equal(pixels, levels.transpose(0, 2, 3, 1))
    assert anna.render(eyes=0.4).shape == (SIDE, SIDE, 3)


def test_streamed_frames_are_the_rendered_ones(anna):
    rows = [{"eyes": 0.5}, {"eyes": 0.5}, {"mouth": -1.0}]
    frames = [frame.copy() for frame in anna.stream().frames(rows)]
    assert len(frames) == 3
    for row, frame in zip(rows, frames, strict=True):
        np.testing.assert_array_equal(frame, anna.render(**row))
    with pytest.raises(InputError, match="2 values of a slider; a frame takes one each"):
        anna.stream().frame(eyes=[0.1, 0.2])


def test_streams_do_not_mind_the_mode(anna):
    stream = anna.stream()
    with torch.inference_mode():
        first = stream.frame(eyes=0.5).copy()
    np.testing.assert_array_equal(stream.frame(eyes=0.5), first)


def test_frames_need_no_mapping(directions, models):
    generator = ToyGenerator()
    anna = Character.from_latent(directions, Z, LABEL).attached(generator)
    anna.render(eyes=1.0)
    assert generator.mapped == 0


def test_files_hold_all_and_are_the_same_bytes(anna, path, models, tmp_path):
    loaded = load_character(path, models.generator)
    assert (loaded.name, loaded.note, loaded.made) == ("Anna", "calm", anna.made)
    np.testing.assert_array_equal(loaded.render(eyes=0.3), anna.render(eyes=0.3))
    np.testing.assert_array_equal(loaded.thumbnail, anna.thumbnail)
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_what_is_out_of_reach_is_clipped_and_said(anna):
    with pytest.warns(UserWarning, match="sliders of eyes are clipped"):
        pixels = anna.render(eyes=3.0)
    np.testing.assert_array_equal(pixels, anna.render(eyes=1.0))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"nose": 1.0}, "nose"),
        ({"eyes": "wide"}, "slider of eyes"),
        ({"eyes": np.nan}, "slider of eyes"),
        ({"eyes": np.zeros((2, 2))}, "slider of eyes"),
        ({"eyes": [0, 1], "mouth": [0, 1, 1]}, "give one number or as many each"),
        ({"ombre_color": 2.0}, "ombre-color"),
    ],
)
def test_bad_values_are_refused(anna, values, said):
    with pytest.raises(InputError, match=said):
        anna.render(**values)


def test_dye_is_kept_and_can_be_left_out(anna, monkeypatch, tmp_path, models):
    def lower_half(images):
        masks = torch.zeros(len(images), 1, *images.shape[-2:])
        masks[:, :, SIDE // 2 :] = 1
        return masks

    monkeypatch.setattr(module, "_segmenter", lambda generator: lower_half)
    pink = anna.dyed(ombre_color=0.9)
    pink.save(tmp_path / "pink.safetensors")
    loaded = load_character(tmp_path / "pink.safetensors", models.generator)
    assert loaded.dye == pink.dye
    assert loaded.dye["ombre-color"] == 0.9
    assert (pink.render() != anna.render()).any()
    np.testing.assert_array_equal(loaded.render(), anna.render(ombre_color=0.9))
    np.testing.assert_array_equal(loaded.render(ombre_color=None), anna.render())
    assert anna.dyed().dye == {}


def test_another_generator_is_refused(path):
    other = ToyGenerator()
    other.digest = "another"
    with pytest.raises(CheckpointError, match="lives in the generator toy-generator"):
        load_character(path, other).render()
    with pytest.raises(InputError, match="was an object of the user's own; give it"):
        load_character(path).render()
    with pytest.raises(CheckpointError, match=r"the character's generator"):
        load_character(path, path.with_name("gone.pkl")).render()


@pytest.mark.parametrize(
    "damage", ["kind", "version", "latent", "moves", "curve", "source", "rest", "deep"]
)
def test_damaged_files_are_refused(path, damage):
    tensors, metadata = load_tensors(path)
    if damage == "kind":
        metadata = {}
    elif damage == "version":
        metadata = {k: v.replace('"version": 1', '"version": 9') for k, v in metadata.items()}
    elif damage == "source":
        metadata = {k: v.replace('"psi"', '"pso"') for k, v in metadata.items()}
    elif damage == "rest":
        metadata = {k: v.replace('"rest": ', '"rest": 7') for k, v in metadata.items()}
    elif damage == "deep":
        metadata = dict.fromkeys(metadata, "[" * 100_000)
    elif damage == "latent":
        tensors["latent"] = tensors["latent"][:-1]
    elif damage == "moves":
        tensors["0.way.moves"][0, 0] = torch.nan
    else:
        tensors["1.response.sliders"] = tensors["1.response.sliders"].flip(0)
    save_tensors(path, tensors, metadata)
    with pytest.raises(CheckpointError, match="character"):
        load_character(path)


def test_a_layer_is_asked_for_once(anna, models):
    asked = []

    class Offering(type(models.generator)):
        def __init__(self):
            super().__init__()
            self.layers = {"w": 0}

        def with_layer(self, layer):
            asked.append(layer)
            return models.generator

    character = replace(anna, source=replace(anna.source, network=Offering()))
    for _ in range(2):
        character.render()
    assert asked == [anna.face.layer]


def test_a_vector_of_another_length_is_refused(path, models):
    tensors, metadata = load_tensors(path)
    for name in [name for name in tensors if name == "latent" or name.endswith(".moves")]:
        tensors[name] = tensors[name][..., :-1].contiguous()
    save_tensors(path, tensors, metadata)
    with pytest.raises(CheckpointError, match="vector has 15 numbers"):
        load_character(path, models.generator).render()


def test_faces_that_answer_nothing_are_refused(directions):
    with pytest.raises(InputError, match="answers none of eyes, mouth, pose"):
        Character.from_latent(replace(directions, score_std=directions.score_std * 1e6), Z, LABEL)


def test_a_prompt_sees_a_few_lines_and_a_notebook_pictures(anna, monkeypatch):
    assert repr(anna).startswith("Character\n  name ")
    assert len(repr(anna)) < 500
    assert "rests at" in repr(anna)
    shown = anna._repr_html_()
    assert shown.count("<img") == 1 + 2 * len(anna.properties)
    assert "<b>" not in replace(anna, name="<b>")._repr_html_()
    lost = replace(anna, source=replace(anna.source, network=None))
    assert "<img" not in lost._repr_html_()


def test_judges_measure_the_same_sliders(anna, models):
    found = slider_correlations(anna.face, models, 5, {"eyes": "eyes", "mouth": "nothing"})
    assert set(found) == {"eyes", "pose"}
    assert all(value > 0.99 for value in found.values())


def test_vectors_in_the_middle_of_the_network_need_their_layer(directions):
    with pytest.raises(InputError, match="no array of real numbers"):
        Character.from_latent(directions, "anna", LABEL)
    with pytest.raises(InputError, match="a vector at w, directions at mapping_split2"):
        Character.from_latent(directions, label=LABEL, vector=np.zeros(8), layer="w")
