"""Directions in a notebook: a table with small pictures, which broken networks leave out."""

from dataclasses import replace

import numpy as np
import pytest

from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.directions.thumbnails import MOST_PROPERTIES, thumbnails
from vectorfind.models.pair import Models


class BrokenGenerator(ToyGenerator):
    def synthesize(self, latents, layer):
        raise RuntimeError("no memory")


def test_a_face_stands_beside_both_ends_of_each_property(found):
    directions = found()
    faces = directions.at(np.zeros((1, 14)), np.zeros((1, 2)))
    pictures = thumbnails(lambda: faces, {"eyes": (-1.2, 1.2), "mouth": (-1.8, 0, 1.8)})
    assert [picture.caption for picture in pictures] == [
        "unedited",
        "eyes closed (−1.2)",
        "eyes open (+1.2)",
        "mouth closed (−1.8)",
        "mouth open (+1.8)",
    ]
    assert len({picture.url for picture in pictures}) == 5
    assert all(picture.url.startswith("data:image/webp;base64,") for picture in pictures)


def test_pictures_of_many_properties_are_few(found):
    faces = found().at(np.zeros((1, 14)), np.zeros((1, 2)))
    many = replace(faces, properties=tuple(f"p{k}" for k in range(20)))
    object.__setattr__(many, "vectors", np.zeros((1, 20, 16), np.float32))
    pictures = thumbnails(lambda: many, {name: (-1, 1) for name in many.properties})
    assert len(pictures) == 1 + 2 * MOST_PROPERTIES


def test_directions_show_pictures_that_are_made_once(found):
    directions = replace(found(), models=Models(ToyGenerator(), ToyScorer()))
    assert repr(directions).startswith("Directions\n  properties  eyes, mouth, pose\n")
    assert len(repr(directions)) < 800
    html = directions._repr_html_()
    mapped = directions.models.generator.mapped
    assert html.count("<img") == 7
    assert directions._repr_html_() == html
    assert directions.models.generator.mapped == mapped


def test_where_networks_cannot_run_the_table_stands_alone(found):
    directions = replace(found(), models=Models(BrokenGenerator(), ToyScorer()))
    html = directions._repr_html_()
    assert "<table" in html
    assert "toy-generator" in html
    assert "<img" not in html


@pytest.mark.parametrize("strengths", [None, (-2.0, 0.0, 2.0)])
def test_plots_are_the_pages_own_figures(found, strengths):
    directions = found()
    z, label = np.zeros((2, 14)), np.zeros((2, 2))
    strip = directions.plot_strip("mouth", z, label, strengths)
    told = [text.get_text() for text in strip.texts]
    assert told[0] == "mouth: closed ← → open"
    assert "unedited" in told
    assert told[-2:] == ["face 0", "face 1"]
    sheet = directions.plot_extremes(z, label)
    assert [text.get_text() for text in sheet.texts][-3:] == ["eyes", "mouth", "pose"]
