"""A planted teacher is learned, whatever way it tells its scores; a stopped job goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import vectorfind
from property_cnn.common.errors import InputError, ScorerError
from property_cnn.jobs.verify import verify
from property_cnn.network import training as network_training
from vectorfind.models.callable_scorer import CallableScorer
from vectorfind.models.protocols import resolve_scorer
from vectorfind.models.scorers import scored_by
from vectorfind.models.training import training
from vectorfind.models.training.settings import ScorerTraining
from vectorfind.models.training.training import train_scorer, write_images
from vectorfind.sampling import lessons


class Slopes:
    """A generator of grey images that z says the brightness and the slope of."""

    z_dim, label_dim, layers, digest, thread_safe = 2, 0, {"z": 2}, "slopes", True

    def map(self, z, label):
        return {"z": z}

    def synthesize(self, latents, layer):
        bright, slope = torch.tanh(latents / 2)[:, :, None, None, None].unbind(1)
        across = torch.linspace(-1, 1, 32)
        return ((bright + slope * across) / 2).expand(-1, 3, 32, 32)


def told(images):
    """What the images are made of, in a unit of its own."""
    left, right = images[..., :16].mean(dim=(1, 2, 3)), images[..., 16:].mean(dim=(1, 2, 3))
    return {"bright": 50 + 10 * (left + right), "pose": right - left}


TEACHER = CallableScorer(told, ("bright", "pose"), digest="told", thread_safe=True)
QUICK = ScorerTraining(n=512, epochs=6, lr=1e-2, step_images=16, width=4, features=8, workers=1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(training, "TIMED", 8)
    monkeypatch.setattr("vectorfind.models.training.learning.LEAST", 40)


def quick(**changes):
    return ScorerTraining(**{**vars(QUICK), **changes})


def not_again(*arguments):
    raise AssertionError("images are made again")


def files(folder):
    """The files whose bytes are the same each time: the card tells the speed."""
    names = ("scorer.safetensors", "scorer_test.csv", "config.json")
    return {name: (folder / name).read_bytes() for name in names}


def test_a_planted_teacher_is_learned(tmp_path):
    made = train_scorer(Slopes(), TEACHER, tmp_path / "s", QUICK, command="by hand")
    assert made.table["property"].tolist() == ["bright", "pose"]
    assert made.table["r2"].min() > 0.9
    scorer = vectorfind.load_scorer(made.path, "cpu")
    assert scorer.properties == ("bright", "pose")
    images = Slopes().synthesize(torch.randn(50, 2), "z")
    raw = scorer.denormalise(scorer(images))
    wanted = torch.stack(list(told(images).values()), dim=1)
    error = (raw - wanted).square().mean(0) / wanted.var(0)
    assert error.max() < 0.1
    card = (tmp_path / "s" / "scorer.md").read_text("utf-8")
    assert scorer.digest in card
    assert "`by hand`" in card
    assert "no mirroring" in card  # bright is of no list
    assert verify(tmp_path / "s").whole


def test_the_folder_stands_for_its_scorer(tmp_path):
    train_scorer(Slopes(), TEACHER, tmp_path / "s", quick(epochs=1))
    assert resolve_scorer(tmp_path / "s", "cpu").properties == ("bright", "pose")
    assert scored_by(tmp_path / "s") == ("bright", "pose")


def test_a_stopped_job_ends_in_the_same_bytes(tmp_path, monkeypatch):
    settings = quick(epochs=2)
    train_scorer(Slopes(), TEACHER, tmp_path / "whole", settings)
    save = network_training.save_state

    def stopped(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(network_training, "save_state", stopped)
    for _ in range(2):  # after each epoch
        with pytest.raises(KeyboardInterrupt):
            train_scorer(Slopes(), TEACHER, tmp_path / "parts", settings)
    monkeypatch.setattr(network_training, "save_state", save)
    monkeypatch.setattr(lessons, "_make", not_again)  # the images are there
    train_scorer(Slopes(), TEACHER, tmp_path / "parts", settings)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    monkeypatch.setattr(training, "_train", None)
    train_scorer(Slopes(), TEACHER, tmp_path / "parts", settings)  # all is there


def test_other_settings_need_another_folder(tmp_path):
    train_scorer(Slopes(), TEACHER, tmp_path / "s", quick(epochs=1))
    with pytest.raises(InputError, match=r"train\.epochs: 1 there, 2 here"):
        train_scorer(Slopes(), TEACHER, tmp_path / "s", quick(epochs=2))


def test_trainings_share_a_store(tmp_path, monkeypatch):
    store = tmp_path / "images"
    train_scorer(Slopes(), TEACHER, tmp_path / "a", quick(epochs=1), store=store)
    monkeypatch.setattr(lessons, "_make", not_again)
    train_scorer(Slopes(), TEACHER, tmp_path / "b", quick(epochs=1, width=2), store=store)
    assert not (tmp_path / "a" / "images").exists()


def test_a_function_names_its_scores_itself(tmp_path):
    made = train_scorer(Slopes(), told, tmp_path / "s", quick(epochs=1))
    assert made.table["property"].tolist() == ["bright", "pose"]
    with pytest.raises(InputError, match="a mapping from names to numbers"):
        train_scorer(Slopes(), lambda images: images.mean((1, 2, 3)), tmp_path / "t", QUICK)


def test_images_are_written_and_scored_by_a_table(tmp_path):
    folder = write_images(Slopes(), 300, tmp_path / "pictures", QUICK)
    names = sorted(folder.glob("*.png"))
    assert len(names) == 300
    assert names[0].name == "000000.png"
    rows = ["image,bright,pose"]
    for path in names[::-1]:
        image = torch.from_numpy(np.array(Image.open(path)).copy()).movedim(-1, 0)
        scores = {name: float(each) for name, each in told(image[None] / 127.5 - 1).items()}
        blank = path.name == "000007.png"
        rows.append(f"{path.name},{'' if blank else scores['bright']},{scores['pose']}")
    table = tmp_path / "scores.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    made = train_scorer(Slopes(), table, tmp_path / "s", quick(n=None, epochs=12))
    assert made.table["r2"].min() > 0.8
    card = (tmp_path / "s" / "scorer.md").read_text("utf-8")
    assert "1 without scores left out" in card
    assert "`scores.csv`" in card
    again = write_images(Slopes(), 300, tmp_path / "pictures", QUICK)
    assert len(list(again.glob("*.png"))) == 300


class Seen:
    """A teacher with points: two at the left, two at the right; images below 0 are no faces."""

    properties, digest, thread_safe = ("left_eye", "right_eye", "yaw"), "seen", True
    read_from = {"left_eye": (0, 1), "right_eye": (2, 3)}  # noqa: RUF012

    def __call__(self, images):
        return self.scores_and_points(images)[0]

    def scores_and_points(self, images):
        left, right = images[..., 4:12].mean((1, 2, 3)), images[..., 20:28].mean((1, 2, 3))
        scores = torch.stack([left, right, right - left], dim=1)
        scores[left + right < -0.3] = torch.nan
        points = torch.tensor([[4, 12], [12, 20], [20, 12], [28, 20]]) / 32.0
        return scores, points.expand(len(images), -1, -1)


def test_crops_are_where_the_points_are(tmp_path):
    made = train_scorer(Slopes(), Seen(), tmp_path / "s", quick(epochs=8))
    assert made.table["r2"].min() > 0.8
    network = vectorfind.load_scorer(made.path, "cpu").network
    assert list(network.crops) == ["left_eye", "right_eye", "image"]
    left = network.crops["left_eye"]
    assert left.left <= 4 / 32 < 12 / 32 <= left.right < 16 / 32
    card = (tmp_path / "s" / "scorer.md").read_text("utf-8")
    assert "mirrored images" in card
    assert "without scores left out" in card


def test_what_cannot_be_learned_is_said_before_training(tmp_path, monkeypatch):
    def flat(images):
        return {"bright": images.mean((1, 2, 3)), "three": torch.full((len(images),), 3.0)}

    made = train_scorer(Slopes(), flat, tmp_path / "s", quick(epochs=1))
    assert made.table["property"].tolist() == ["bright"]
    assert "not learned: three" in (tmp_path / "s" / "scorer.md").read_text("utf-8")
    monkeypatch.setattr(training, "train_network", None)
    three = CallableScorer(lambda images: torch.full((len(images),), 3.0), ("three",))
    with pytest.raises(InputError, match="no score differs among the images: three"):
        train_scorer(Slopes(), three, tmp_path / "t", QUICK)
    nothing = CallableScorer(lambda images: torch.full((len(images),), torch.nan), ("a",))
    with pytest.raises(InputError, match="0 of 512 images have scores"):
        train_scorer(Slopes(), nothing, tmp_path / "u", QUICK)
    infinite = CallableScorer(lambda images: torch.full((len(images),), torch.inf), ("a",))
    with pytest.raises(ScorerError, match="infinities"):
        train_scorer(Slopes(), infinite, tmp_path / "v", QUICK)


def test_the_settings_are_written_down(tmp_path):
    train_scorer(Slopes(), TEACHER, tmp_path / "s", quick(epochs=1))
    config = json.loads((tmp_path / "s" / "config.json").read_text("utf-8"))
    assert config["kind"] == "scorer"
    assert config["models"] == {"generator": "slopes", "teacher": "told"}
    assert config["train"]["epochs"] == 1
    assert "workers" not in config["train"]
