"""What the files of scorers say: the same as the scorers that are built."""

import pytest

from property_cnn.network.scorer import load_scorer
from property_cnn.network.shipped import SHIPPED, SHIPPED_PHOTOS, scorer_facts


@pytest.mark.parametrize("path", [SHIPPED, SHIPPED_PHOTOS])
def test_the_file_says_what_the_scorer_is(path):
    scorer, facts = load_scorer(path), scorer_facts(path)
    assert facts == (scorer.digest, tuple(scorer.properties))
