"""The page: self-contained, escaped, whole, and the same bytes for the same content."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from reports.pages.html import Measure, Page, Picture, Section, Table, build_page, table_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def page():
    return Page(
        kind="test report",
        verdict="Eyes obey <b>& more</b>.",
        summary="What was done.",
        measures=[
            Measure("eyes", (0.9, 0.85, 0.95), (0.0, -0.1, 0.1), 0.92, "clear of chance", True),
            Measure("own", (0.1, -0.2, 0.3), None, None, "no control", False),
        ],
        facts={"passed": "3 of 36"},
        sections=[
            Section(
                "Pictures",
                ["Words."],
                [Picture(PNG, 'a "strip"', "Caption.", PNG + b"x")],
                [Table("Open table", ["a"], [["1"]]), Table("Folded", ["b"], [["t"]], folded=True)],
                beside=True,
            )
        ],
        notes={"slope": "effect"},
        settings={"n": "4,000"},
        versions={"torch": "2"},
        command="vectorfind test -n 4000",
    )


def test_page_is_the_same_twice_and_holds_everything(page):
    text = build_page(page)
    assert text == build_page(page)
    for piece in ("clear of chance", "3 of 36", "Words.", "Caption.", "effect", "4,000"):
        assert piece in text
    assert "vectorfind test -n 4000" in text
    assert "<details><summary>Folded</summary>" in text


def test_text_is_escaped(page):
    text = build_page(page)
    assert "Eyes obey &lt;b&gt;&amp; more&lt;/b&gt;." in text
    assert 'alt="a &#34;strip&#34;"' in text


def test_page_needs_no_other_file(page):
    text = build_page(page)
    links = re.findall(r'(?:src|srcset|href)="([^"]*)"', text)
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert not re.search(r"https?:|url\(|@import|<script|<link", text)
    assert base64.b64decode(links[1].split(",")[1]) == PNG


def test_page_suits_phones_and_paper(page):
    text = build_page(page)
    assert 'name="viewport" content="width=device-width' in text
    assert "@media print" in text
    assert '<source media="(max-width: 36rem)"' in text


def test_tags_are_balanced(page):
    void = {"meta", "img", "source", "line", "circle"}
    opened = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in void:
                opened.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed(build_page(page))
    assert not opened


def test_bare_page_is_built():
    assert "<h1>Done.</h1>" in build_page(Page("kind", "Done.", "Summary."))


def test_table_of_formats_and_limits_rows():
    frame = pd.DataFrame({"name": ["a", "b", "c"], "value": [-0.5, np.nan, 1.0]})
    table = table_of(frame, "Caption.", limit=2)
    assert table.rows == [["a", "−0.500"], ["b", "–"]]
    assert table.caption == "Caption. The first 2 of 3 rows; the file holds them all."
