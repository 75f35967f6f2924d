"""One call makes the scorer and its card; a second one finds them up to date."""

from __future__ import annotations

from property_cnn.network.layout import NetworkSettings
from property_cnn.network.make import make_scorer
from property_cnn.network.scorer import load_scorer
from property_cnn.network.training import ScorerSettings
from property_cnn.properties import PROPERTIES

TINY = ScorerSettings(
    epochs=1, batch_size=16, network=NetworkSettings(resolution=32, width=4, features=8)
)


def make(tmp_path, seed=0):
    lines = []
    path = make_scorer(
        tmp_path / "out",
        tmp_path / "work",
        faces=40,
        test_faces=8,
        seed=seed,
        settings=TINY,
        log=lines.append,
    )
    return path, lines


def test_scorer_and_card_are_made_once(tmp_path):
    path, lines = make(tmp_path)
    scorer = load_scorer(path, "cpu")
    card = (tmp_path / "out" / "scorer.md").read_text("utf-8")
    assert scorer.digest in card
    assert "vectorfind models" in card
    assert all(f"| {name} |" in card for name in PROPERTIES)
    assert any(line.startswith("epoch 1/1") for line in lines)
    before = path.read_bytes()
    again, lines = make(tmp_path)
    assert lines == [f"{path} is up to date"]
    assert again.read_bytes() == before


def test_an_unfinished_or_stale_scorer_is_made_again(tmp_path):
    path, _ = make(tmp_path)
    weights, card = path.read_bytes(), tmp_path / "out" / "scorer.md"
    text = card.read_text("utf-8")
    card.unlink()
    _, lines = make(tmp_path)
    assert not any(line.startswith("epoch") for line in lines)  # the checkpoint is complete
    assert path.read_bytes() == weights
    assert card.read_text("utf-8") == text
    _, lines = make(tmp_path, seed=1)
    assert any(line.startswith("epoch 1/1") for line in lines)
    assert path.read_bytes() != weights
