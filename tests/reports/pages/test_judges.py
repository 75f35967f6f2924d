"""What the page says of judges: who agrees, who does not, what was left out."""

import numpy as np
import pandas as pd
import pytest

from reports import columns as c
from reports.folders import Results
from reports.pages.judges import disagreement, judge_lines, judge_section, judge_texts

CLEAR, CHANCE = (0.9, 0.85, 0.95), (0.1, -0.2, 0.3)
NONE = (np.nan, np.nan, np.nan)


def row(judge, name, corr, random=CHANCE, unreadable=0, score=None):
    ends = (c.mean_column, c.low_column, c.high_column)
    values = {c.JUDGE: judge, c.PROPERTY: name, c.SCORE: name if score is None else score}
    for column, interval in (
        (c.CORR, corr),
        (c.random_column(c.CORR), random),
        (c.SLOPE, (1.0, 0.9, 1.1)),
    ):
        values |= {end(column): value for end, value in zip(ends, interval, strict=True)}
    values |= {c.LEAK_SCORE: "mouth", c.LEAK: -0.2, c.PASSED: 3.0, c.CASES: 12.0}
    return values | {c.UNREADABLE: unreadable}


def results(*rows, identity=None):
    table = pd.DataFrame([row(c.SCORER, "eyes", CLEAR), row(c.SCORER, "mouth", CLEAR), *rows])
    return Results(pd.DataFrame(), judges=table, identity=identity)


@pytest.mark.parametrize(
    ("corr", "words", "doubted"),
    [
        (CLEAR, "By iris, eyes follows its number, clear of chance.", False),
        ((0.6, 0.5, 0.7), "By iris, eyes follows less closely: 0.60 (0.50 to 0.70)", False),
        ((0.2, 0.1, 0.4), "By iris, eyes is not clear of chance: 0.20 (0.10 to 0.40)", True),
        ((-0.5, -0.6, -0.4), "By iris, eyes moves the other way: −0.50 (−0.60 to −0.40)", True),
    ],
)
def test_a_judge_agrees_follows_less_or_disagrees(corr, words, doubted):
    given = results(row("iris", "eyes", corr))
    assert any(text.startswith(words) for text in judge_texts(given))
    assert disagreement(given) == ("Not clear of chance: eyes by iris." if doubted else "")


def test_without_a_control_chance_is_zero():
    given = results(row("iris", "eyes", (0.2, 0.1, 0.4), random=NONE))
    assert disagreement(given) == ""
    assert disagreement(results(row("iris", "eyes", (0.2, -0.1, 0.4), random=NONE)))


def test_where_the_scorer_is_not_clear_no_judge_disagrees():
    given = results(row("iris", "eyes", CHANCE))
    given.judges.loc[0, c.low_column(c.CORR)] = 0.1
    assert disagreement(given) == ""


def test_what_a_judge_does_not_read_or_could_not_is_told():
    given = results(row("iris", "eyes", CLEAR, unreadable=1), row("iris", "mouth", NONE, score=""))
    texts = judge_texts(given)
    assert "Iris does not read mouth." in texts
    assert any(text.startswith("Iris could not read 1 edited image;") for text in texts)
    rows = judge_section(given).tables[0].rows
    assert [cells[:2] for cells in rows] == [["eyes", "scorer"], ["eyes", "iris"],
                                             ["mouth", "scorer"]]  # fmt: skip


def test_identity_stands_in_a_sentence_a_line_and_a_table():
    identity = pd.DataFrame(
        [
            ("dlib", which, length, mean, mean - 0.1, mean + 0.1, share, 0.6)
            for which, length, mean, share in (
                (c.FOUND, np.nan, 0.8, 0.75),
                (c.FOUND, 1.2, 0.9, 1.0),
                (c.RANDOM, np.nan, 0.95, np.nan),
            )
        ],
        columns=[c.JUDGE, c.DIRECTIONS, c.LENGTH, c.MEAN, c.LOW, c.HIGH, c.SAME_PERSON, c.LIMIT],
    )
    given = results(row("dlib", "eyes", CLEAR), identity=identity)
    section = judge_section(given)
    text = next(text for text in section.text if text.startswith("Is it still the same person?"))
    assert "0.80 (0.70 to 0.90) on average, 0.95 by random directions" in text
    assert "75.0\u00a0% of the edits lie within a Euclidean distance of 0.6" in text
    cells = section.tables[1].rows
    assert cells[0][1:4] == ["all edits", "0.80 (0.70 to 0.90)", "75.0\u00a0%"]
    assert cells[1][1:] == ["1.2", "0.90 (0.80 to 1.00)", "100.0\u00a0%", "–", "–"]
    assert "identity by dlib: cosine 0.800 [0.700, 0.900]" in judge_lines(given)


def test_a_folder_without_judges_has_nothing_of_them():
    given = Results(pd.DataFrame())
    assert judge_section(given) is None
    assert judge_lines(given) == []
    assert disagreement(given) == ""
