"""The page: self-contained, escaped, whole, and the same bytes for the same content."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from reports.pages.html import Measure, Page, Section, Table, build_page, table_of
from reports.pages.pictures import Picture

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
                [Picture(PNG, 'a "strip"', "Caption.", PNG)],
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
    assert all(link.startswith("data:image/webp;base64,") for link in links)
    assert not re.search(r"https?:|url\(|@import|<script|<link", text)
    assert base64.b64decode(links[1].split(",")[1])[8:12] == b"WEBP"


def test_page_suits_phones_and_paper(page):
    text = build_page(page)
    assert 'name="viewport" content="width=device-width' in text
    assert "@media print" in text
    assert '<source media="(max-width: 36rem)"' in text


def test_page_suits_dark_rooms_but_leaves_faces_as_they_are(page):
    text = build_page(page)
    assert "prefers-color-scheme: dark" in text
    assert "img.plot { filter" in text
    face = Section("Faces", (), [Picture(PNG, "face", photo=True)])
    text = build_page(replace(page, sections=[face]))
    assert '<img class="photo"' in text
    assert '<img class="plot"' not in text


def test_contents_lead_to_the_sections(page):
    several = [Section(f"Part {letter}") for letter in "abc"]
    text = build_page(replace(page, sections=several))
    for number, letter in enumerate("abc", start=1):
        assert f'<a href="#part-{number}">Part {letter}</a>' in text
        assert f'<h2 id="part-{number}">Part {letter}</h2>' in text
    assert '<a href="#notes">' in text
    assert "<nav" not in build_page(replace(page, sections=several[:2]))


def test_backticks_are_code_and_what_they_hold_is_escaped(page):
    text = build_page(replace(page, sections=[Section("s", ["Made by `a <b>`."])]))
    assert "<p>Made by <code>a &lt;b&gt;</code>.</p>" in text


def test_only_columns_of_numbers_are_flush_right(page):
    rows = [
        ["a", "0.99", "−0.01 (−0.1 to +0.1)", "2 threads", ""],
        ["b", "", "+0.04 (-0.08 to +0.16)", "1", ""],
        ["c", "1,766 of 2,000 (88.3 %)", "–", "of 3", ""],
    ]
    table = Table("t", ["name", "share", "chance", "note", "empty"], rows)
    text = build_page(replace(page, sections=[Section("s", (), (), [table])]))
    heads = re.findall(r"<th scope=\"col\"( class=\"number\")?>(\w+)</th>", text)
    assert [name for right, name in heads if right] == ["share", "chance"]
    assert '<td class="number">+0.04 (-0.08 to +0.16)</td>' in text


def test_tags_are_balanced(page):
    void = {"wbr", "meta", "img", "source", "line", "circle"}
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
