"""What the studio is started with, and what each shows first."""

import numpy as np
import pytest

from property_cnn.common.errors import CheckpointError, InputError
from tests.vectorfind.run_files import planted_corrs, write_results, write_run
from vectorfind.characters.character import Character
from vectorfind.studio import opening
from vectorfind.studio.opening import open_stage
from vectorfind.studio.session import Choice, View


@pytest.fixture
def toys(monkeypatch, models, found):
    """Names stand for the toy networks."""
    monkeypatch.setattr(opening, "_is_default", lambda network: False)
    monkeypatch.setattr("vectorfind.characters.loading.resolve_generator",
                        lambda *given: models.generator)  # fmt: skip
    monkeypatch.setattr("vectorfind.directions.directions.load_models",
                        lambda *given, **how: models)  # fmt: skip
    return found("svm", "w")


@pytest.fixture
def run(toys, tmp_path):
    """A run of eight cases, of which the last four passed."""
    passed = np.arange(8) >= 4
    folder = tmp_path / "run"
    write_run(folder, planted_corrs(8))
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(8, 14)), rng.normal(size=(8, 2))
    write_results(folder / "test_result.csv", planted_corrs(8), passed)
    np.savez(folder / "latents.npz", z=z.astype(np.float32), label=label.astype(np.float32))
    np.savez(
        folder / "scores.npz",
        properties=np.array(["eyes", "mouth", "pose"]),
        scored=np.array(toys.scored),
        strengths=np.zeros((1, 3), np.float32),
        edited=np.zeros((8, 1, len(toys.scored)), np.float32),
    )
    toys.save(folder / "directions.npz")
    return folder


def test_a_run_shows_its_cases_the_passed_first_and_marked(run):
    stage = open_stage(run)
    tiles = stage.gallery(0)
    assert [tile.choice.number for tile in tiles] == [4, 5, 6, 7, 0, 1, 2, 3]
    assert [tile.passed for tile in tiles] == [True] * 4 + [False] * 4
    assert stage.first.choice == Choice("case", 4)
    with pytest.raises(InputError, match="case"):
        stage.character(Choice("case", 8))


def test_a_character_of_another_generator_opens_alone(toys, tmp_path):
    made = Character.from_latent(toys, np.zeros(14), np.zeros(2), generator="toy", name="Anna")
    made.save(tmp_path / "anna.safetensors")
    stage = open_stage(tmp_path / "anna.safetensors")
    assert stage.gallery(0) == []
    assert stage.name(stage.first) == "Anna"
    assert all(one.measured is None for one in stage.readings(stage.first))
    with pytest.raises(InputError, match="shows one character"):
        stage.character(Choice("seed", 1))


def test_a_damaged_character_is_told(tmp_path):
    path = tmp_path / "anna.safetensors"
    path.write_bytes(b"\0" * 40)
    with pytest.raises(CheckpointError):
        open_stage(path)


def test_other_generators_need_directions():
    with pytest.raises(InputError, match="vectorfind test --generator mobilestylegan"):
        open_stage(generator="mobilestylegan")


def test_shipped_faces_are_truncated_and_driven_at_some_layers():
    stage = open_stage(device="cpu")
    assert stage.synthesis_layers == 10
    choice = Choice("seed", 3, psi=0.7, layers="2-7")
    face = stage.character(choice).face
    size = len(face.latent) // 2
    assert face.layer == "w+2-7"
    np.testing.assert_array_equal(face.latent[:size], face.latent[size:])
    for way in face.ways.values():
        assert not way.moves[:, :size].any()
        assert way.moves[:, size:].any()
    whole = stage.character(Choice("seed", 3)).face.latent
    assert np.linalg.norm(face.latent[:size]) != pytest.approx(np.linalg.norm(whole))
    assert stage.pixels(View(choice, (("eyes", 0.5),))).shape == (64, 64, 3)
