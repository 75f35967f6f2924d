"""Folders of fine-tuning: listed, gone on with, made good, replaced whole, refused to others."""

from dataclasses import replace

import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from stylegan_ft.finetune.settings import VARIANTS, FinetuneSettings
from tests.stylegan_ft.tiny_runs import base_network, discriminator, real_images, scorer
from vectorfind.runs.finetune import jobs

SETTINGS = FinetuneSettings(batches=4, batch_size=4, checkpoint_every=1, grid_every=1, frozen=0.5)
NAMES = {
    *("generator.safetensors", "settings.json", "start.csv", "train.pt", "train_log.csv"),
    *(f"samples-000000{step}.png" for step in (0, 2, 4)),
    "w_cells.safetensors",
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(VARIANTS, "v5-1", replace(VARIANTS["v5-1"], log_every=2))
    monkeypatch.setattr(jobs, "load_network", lambda path: (base_network(), {}))
    monkeypatch.setattr(jobs, "generator_path", lambda path: path)
    monkeypatch.setattr(jobs, "load_scorer", lambda *given: scorer())
    monkeypatch.setattr(jobs, "load_discriminator", lambda path: discriminator())
    images = real_images(len(VARIANTS["v5-1"].labels))
    monkeypatch.setattr(jobs, "load_real_images", lambda *given: images)


def run(out, said=None, settings=SETTINGS, **more):
    said = [] if said is None else said
    return jobs.finetune_files("v5-1", "base", "data", out, settings, log=said.append, **more)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_a_stopped_run_goes_on_to_the_same_files(tmp_path):
    assert run(tmp_path / "whole") == tmp_path / "whole" / "generator.safetensors"
    run(tmp_path / "out", stop_after=2)
    assert verify(tmp_path / "out").unfinished == (".",)
    run(tmp_path / "out")
    assert files(tmp_path / "out").keys() == files(tmp_path / "whole").keys()
    found = verify(tmp_path / "out")
    assert found.whole
    assert set(found.files) <= NAMES


def test_what_is_made_at_the_end_is_made_again(tmp_path):
    run(tmp_path)
    before, said = files(tmp_path), []
    (tmp_path / "generator.safetensors").unlink()
    run(tmp_path, said)
    assert said[-1] == "made again: generator.safetensors (missing)"
    assert files(tmp_path) == before


def test_what_only_training_makes_is_told(tmp_path):
    run(tmp_path)
    (tmp_path / "train_log.csv").write_text("x")
    with pytest.raises(InputError, match=r"train_log\.csv in .*give --overwrite to train again"):
        run(tmp_path)
    run(tmp_path, overwrite=True)
    assert verify(tmp_path).whole


def test_the_old_run_stays_until_the_new_one_is_complete(tmp_path):
    out, other = tmp_path / "out", replace(SETTINGS, seed=1)
    run(out)
    before = files(out)
    with pytest.raises(InputError, match=r"settings\.seed: 0 there, 1 here"):
        run(out, settings=other)
    run(out, settings=other, overwrite=True, stop_after=2)
    assert {name: data for name, data in files(out).items() if name in before} == before
    run(out, settings=other, overwrite=True)
    run(tmp_path / "new", settings=other)
    apart = {"train.pt", "files.json"}  # seconds, if any
    new = files(tmp_path / "new")
    assert {name: data for name, data in files(out).items() if name not in apart} == {
        name: data for name, data in new.items() if name not in apart
    }
    assert verify(out).whole


@pytest.mark.parametrize("name", ["samples-mine.png", "train.pt", "mine.txt"])
def test_folders_of_others_are_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="neither empty nor of this job"):
            run(tmp_path, overwrite=overwrite)
    assert files(tmp_path) == {name: b"mine"}


def test_a_scorer_of_other_properties_is_refused(tmp_path, monkeypatch):
    other = scorer()
    other.properties = ("smile",)
    monkeypatch.setattr(jobs, "load_scorer", lambda *given: other)
    with pytest.raises(InputError, match="reads smile; fine-tuning needs a scorer of eyes, "):
        run(tmp_path)
