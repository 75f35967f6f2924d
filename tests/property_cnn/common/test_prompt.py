"""What a prompt shows: public names of packages, values in a few lines and as escaped tables."""

import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch

from property_cnn.common.prompt import Shown, Thumbnail, brief, table_html


@dataclass(frozen=True, eq=False, repr=False)
class Result(Shown):
    names: tuple[str, ...]
    scores: np.ndarray
    note: str


def test_a_value_is_a_few_lines():
    result = Result(("eyes", "mouth"), np.zeros((1000, 3), np.float32), "first\nsecond" + "x" * 500)
    lines = repr(result).splitlines()
    assert lines[:3] == ["Result", "  names   eyes, mouth", "  scores  1,000 × 3 float32"]
    assert len(lines) == 4
    assert max(map(len, lines)) < 120


class Lines(Shown):
    def facts(self):
        return {"a": "one\ntwo", "bcd": "\n".join(map(str, range(100)))}


def test_long_facts_are_cut_and_lines_stand_below_each_other():
    assert repr(Lines()).splitlines()[:3] == ["Lines", "  a    one", "       two"]
    assert len(repr(Lines()).splitlines()) == 15
    assert repr(Lines()).endswith("…")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(2, 3), "2 × 3 float32"),
        (pd.DataFrame({"case": [1], "passed": ["O"]}), "1 row of case, passed"),
        ({"eyes": np.zeros(9)}, "eyes"),
        ({}, "none"),
        (None, "none"),
        ((), "none"),
        (np.float32(0.5), "0.5"),
        (3, "3"),
        (Result((), np.zeros(1), ""), "Result"),
    ],
)
def test_values_in_a_few_words(value, words):
    assert brief(value) == words


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_a_table_escapes_what_it_is_given():
    picture = Thumbnail('data:x"onerror="alert(1)', "<i>face</i>")
    seen = Seen(table_html("<b>", {"<script>": 'a & <img>\n"b"'}, [picture]))
    assert {tag for tag, _ in seen.tags} <= {
        "div", "table", "tr", "th", "td", "figure", "img", "figcaption",
    }  # fmt: skip
    assert {"<b>", "<script>", 'a & <img>\n"b"', "<i>face</i>"} <= set(seen.texts)
    (image,) = [attrs for tag, attrs in seen.tags if tag == "img"]
    assert image["src"] == picture.url
    assert "onerror" not in image


def test_a_table_takes_the_notebooks_colours_and_little_width():
    text = table_html("a", {"b": "c"})
    assert "color" not in text
    assert "max-width:880px" in text


def test_dir_lists_lazy_names_without_loading_torch():
    program = (
        "import sys, vectorfind, property_cnn, stylegan_ft\n"
        "for package in (vectorfind, property_cnn, stylegan_ft):\n"
        "    assert set(package.__all__) <= set(dir(package)), package\n"
        "assert 'run_test' in dir(vectorfind) and '__version__' in dir(vectorfind)\n"
        "assert 'annotations' not in dir(vectorfind) and 'lazy_names' not in dir(vectorfind)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
