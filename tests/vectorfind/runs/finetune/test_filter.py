"""The filter: what it keeps and writes, that it goes on to the same bytes, and its commands."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import file_digest
from property_cnn.common.shards import places
from property_cnn.jobs.verify import verify
from property_cnn.pictures import from_bytes
from property_cnn.properties import PROPERTIES
from stylegan_ft.concept import CONCEPT, ConceptClassifiers, Thresholds
from stylegan_ft.training.image_folder import load_images, read_labels
from tests.stylegan_ft.image_files import write_images
from tests.stylegan_ft.planted_concept import planted, write_classifiers
from tests.vectorfind.conftest import SIDE, ToyGenerator, ToyScorer
from vectorfind.cli.finetune.filter import classifiers, faces, filter
from vectorfind.cli.main import main
from vectorfind.runs.finetune import image_parts
from vectorfind.runs.finetune.filter import filter_images
from vectorfind.runs.finetune.settings import FilterSettings
from vectorfind.sampling import sampler as sampling

HALF = FilterSettings(
    n=1100, batch_size=100, thresholds=Thresholds(gender=0.5, quality=0.0, age=1.0, glasses=1.0)
)


def run(out, folder, settings=HALF, scorer=None, **more):
    path = folder / "concept.safetensors"
    if not path.exists():
        write_classifiers(path)
    given = (ToyGenerator(), path, scorer or ToyScorer())
    return filter_images(out, settings, *given, quiet=True, workers=1, **more)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filter")
    found = run(folder / "out", folder)
    return folder / "out", found, folder / "concept.safetensors"


def test_what_passes_is_kept(whole):
    out, found, _ = whole
    table = pd.read_csv(out / "filter.csv")
    assert list(table.columns) == ["index", *CONCEPT, *PROPERTIES, "kept"]
    assert table["index"].tolist() == list(range(1100))
    assert ((table["kept"] == "O") == (table["gender"] >= 0.5)).all()
    kept = table[table["kept"] == "O"]
    assert 100 < len(kept) == found.kept < 1000
    assert found.within == {"gender": found.kept / 1100, "quality": 1, "age": 1, "glasses": 1}
    labels = read_labels(out)
    assert list(labels.columns) == ["file", *PROPERTIES, *CONCEPT]
    assert labels["file"].tolist() == [f"images/{i:06d}.png" for i in kept["index"]]
    assert len(list((out / "images").iterdir())) == len(kept)


def test_numbers_are_those_of_the_images(whole):
    out, _, path = whole
    labels = read_labels(out).head(40)
    images = from_bytes(load_images(out, list(labels["file"]), SIDE))
    told = ConceptClassifiers.load(path)(images).numpy()
    np.testing.assert_allclose(labels[list(CONCEPT)], told, atol=0.01)
    np.testing.assert_allclose(labels[list(PROPERTIES)], ToyScorer()(images), atol=0.05)


def test_images_depend_on_seed_and_number_alone(whole, tmp_path):
    out, _, _ = whole
    run(tmp_path / "few", tmp_path, replace(HALF, n=600))
    first = pd.read_csv(out / "filter.csv").head(600)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "few" / "filter.csv"), first)


@pytest.mark.parametrize("moment", ["image", "array", "labels"])
def test_a_killed_filter_goes_on_to_the_same_bytes(whole, tmp_path, monkeypatch, moment):
    class Killed(Exception):
        pass

    def killed(real, after, suffix=""):
        calls = []

        def call(path, *given):
            calls.append(str(path).endswith(suffix))
            if sum(calls) > after:
                raise Killed
            return real(path, *given)

        return call

    where, name, after, suffix = {
        "image": (Path, "write_bytes", 3, ".png"),
        "array": (places, "atomic_write", 3, ".npy"),
        "labels": (image_parts, "write_table", 0, ""),
    }[moment]
    with monkeypatch.context() as patch:
        patch.setattr(where, name, killed(getattr(where, name), after, suffix))
        with pytest.raises(Killed):
            run(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out" / "labels.csv").exists()
    run(tmp_path / "out", tmp_path)
    assert contents(tmp_path / "out") == contents(whole[0])


def test_a_finished_filter_makes_nothing_again(whole, monkeypatch):
    out, found, path = whole
    before = contents(out)

    def refuse(*_):
        raise AssertionError("made again")

    monkeypatch.setattr(sampling, "mapped_latents", refuse)
    assert run(out, path.parent) == found
    assert contents(out) == before


def test_lost_and_damaged_parts_are_made_again(whole, tmp_path):
    out = tmp_path / "out"
    run(out, tmp_path)
    numbers = out / "numbers" / "values" / "00001.npy"
    numbers.write_bytes(numbers.read_bytes()[:100])
    image, other = sorted((out / "images").iterdir())[:2]
    image.unlink()
    other.write_bytes(other.read_bytes()[:-1] + b"x")
    run(out, tmp_path)
    assert contents(out) == contents(whole[0])


def test_other_settings_are_refused_or_replaced(tmp_path):
    small = replace(HALF, n=40)
    run(tmp_path / "out", tmp_path, small)
    with pytest.raises(InputError, match=r"thresholds\.gender: 0\.5 there, 0\.6 here"):
        run(tmp_path / "out", tmp_path, replace(small, thresholds=Thresholds(gender=0.6)))
    other = replace(small, n=30, keep_all=True)
    with pytest.raises(InputError, match="--overwrite"):
        run(tmp_path / "out", tmp_path, other)
    assert run(tmp_path / "out", tmp_path, other, overwrite=True).kept == 30
    assert len(read_labels(tmp_path / "out")) == 30
    assert len(list((tmp_path / "out" / "images").iterdir())) == 30


def test_pictures_of_others_stay_when_a_run_is_replaced(tmp_path):
    run(tmp_path / "out", tmp_path, replace(HALF, n=20))
    (tmp_path / "out" / "images" / "mine.png").write_bytes(b"mine")
    run(tmp_path / "out", tmp_path, replace(HALF, n=10), overwrite=True)
    assert (tmp_path / "out" / "images" / "mine.png").read_bytes() == b"mine"
    assert len(list((tmp_path / "out" / "images").iterdir())) <= 11


def test_parts_of_unknown_settings_are_not_used(tmp_path):
    small = replace(HALF, n=20)
    run(tmp_path / "out", tmp_path, replace(small, seed=1))
    (tmp_path / "out" / "settings.json").unlink()
    with pytest.raises(InputError, match=r"settings.json is missing or altered.*--overwrite"):
        run(tmp_path / "out", tmp_path, small)
    run(tmp_path / "out", tmp_path, small, overwrite=True)
    run(tmp_path / "new", tmp_path, small)
    assert contents(tmp_path / "out") == contents(tmp_path / "new")
    assert verify(tmp_path / "out").whole


def test_what_is_overwritten_stays_until_all_is_made(tmp_path, monkeypatch):
    small, out = replace(HALF, n=20), tmp_path / "out"
    run(out, tmp_path, small)
    before = contents(out)
    with monkeypatch.context() as patch:
        patch.setattr(image_parts, "write_table", None)
        with pytest.raises(TypeError):
            run(out, tmp_path, replace(small, seed=1), overwrite=True)
    assert {name: data for name, data in contents(out).items() if name in before} == before
    run(out, tmp_path, replace(small, seed=1), overwrite=True)
    run(tmp_path / "new", tmp_path, replace(small, seed=1))
    assert contents(out) == contents(tmp_path / "new")


def test_a_picture_of_others_where_one_would_be_written_is_refused(tmp_path):
    small, out = replace(HALF, n=20), tmp_path / "out"
    run(out, tmp_path, small)
    (out / "images" / "000099.png").write_bytes(b"mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"000099.png is not of this job"):
            run(out, tmp_path, replace(small), overwrite=overwrite)
    assert (out / "images" / "000099.png").read_bytes() == b"mine"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["labels.csv", "settings.json", "images/000000.png"])
def test_folders_of_other_origin_are_left_alone(tmp_path, name, overwrite):
    own = tmp_path / "own"
    (own / "images").mkdir(parents=True)
    texts = {"labels.csv": "file,age\na.png,1\n", "settings.json": '{"variant": "v9"}'}
    (own / name).write_text(texts.get(name, ""))
    with pytest.raises(InputError, match=r"neither empty nor of this job|is not of this job"):
        run(own, tmp_path, replace(HALF, n=10), overwrite=overwrite)
    assert list(contents(own).values()) == [texts.get(name, "").encode()]


@pytest.mark.parametrize("name", ["settings.json", "filter.csv", "labels.csv"])
def test_a_damaged_table_or_record_is_made_again(tmp_path, name):
    small = replace(HALF, n=20)
    run(tmp_path / "out", tmp_path, small)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / name).write_text("{")
    run(tmp_path / "out", tmp_path, small)
    assert contents(tmp_path / "out") == before


def test_images_that_cannot_be_read_are_not_kept(tmp_path):
    def spoil(scores):
        scores[::4] = torch.nan
        return scores

    settings = replace(HALF, n=64, keep_all=True)
    assert run(tmp_path / "out", tmp_path, settings, ToyScorer(spoil)).kept == 48
    assert read_labels(tmp_path / "out").notna().all(axis=None)


def test_workers_change_no_byte(whole, tmp_path):
    given = (ToyGenerator(), whole[2], ToyScorer())
    filter_images(tmp_path / "out", HALF, *given, quiet=True, workers=3)
    assert contents(tmp_path / "out") == contents(whole[0])


def test_wrong_numbers_and_files_are_told(tmp_path):
    with pytest.raises(InputError, match="n is 0"):
        FilterSettings(n=0)
    with pytest.raises(CheckpointError, match="no file"):
        filter_images(tmp_path / "out", HALF, ToyGenerator(), tmp_path / "none", ToyScorer())
    assert not (tmp_path / "out").exists()


def invoke(command, *args):
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_filter_command(tmp_path, monkeypatch):
    from vectorfind.models import pair as models

    monkeypatch.setattr(models, "resolve_generator", lambda *_, **how: ToyGenerator())
    monkeypatch.setattr(models, "resolve_scorer", lambda *_: ToyScorer())
    write_classifiers(tmp_path / "c.safetensors")
    args = ["-n", 30, "--classifiers", tmp_path / "c.safetensors", "--keep-all", "--quiet"]
    result = invoke(main, "finetune", "filter", *args, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "kept 30 of 30 images (100.0%)" in result.output
    assert "within each threshold: gender " in result.output
    settings = json.loads((tmp_path / "out" / "settings.json").read_text("utf-8"))
    path = tmp_path / "c.safetensors"
    assert (
        settings["command"] == f"vectorfind finetune filter -n 30 --classifiers {path} --keep-all"
    )
    digests = [settings[name] for name in ("generator", "classifiers", "scorer")]
    assert digests == ["toy-generator", file_digest(path), "toy-scorer"]
    none = [*args[:4], "--gender", 1, "--quiet", "--out", tmp_path / "none"]
    assert "loosen one" in invoke(filter, *none).output


def test_faces_command_writes_labels_and_classifiers_learn_from_them(tmp_path):
    out = tmp_path / "faces"
    result = invoke(faces, "-n", 12, "--side", 32, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"rendering: 12 faces to make, about 18.0 KiB in {out}\n" in result.stderr
    table = read_labels(out)
    assert list(table.columns) == ["file", *PROPERTIES, *CONCEPT]
    assert len(table) == 12
    assert table[list(PROPERTIES)].abs().max(axis=None) < 6
    assert set(np.unique(table[list(CONCEPT)].to_numpy())[:2]) == {0.0, 1.0}
    assert load_images(out, list(table["file"]), 32).float().std() > 10


def test_classifiers_command(tmp_path):
    images, labels = planted(24)
    names = [f"{i}.png" for i in range(len(images))]
    write_images(tmp_path, names, images)
    table = pd.DataFrame(labels, columns=list(CONCEPT))
    table.insert(0, "file", names)
    table.to_csv(tmp_path / "labels.csv", index=False)
    run = partial(invoke, classifiers, "--folds", 2, "--epochs", 1, "--workers", 1, "--quiet")
    result = run("--images", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "glasses: AUROC " in result.output
    ConceptClassifiers.load(tmp_path / "out" / "concept.safetensors")
    assert len(pd.read_csv(tmp_path / "out" / "concept.csv")) == 8
    assert verify(tmp_path / "out").whole
    assert not verify(tmp_path / "out").foreign
    (tmp_path / "out" / "concept.md").write_text("x")
    assert run("--images", tmp_path, "--out", tmp_path / "out").exit_code == 0
    assert verify(tmp_path / "out").whole
    table.drop(columns="age").to_csv(tmp_path / "labels.csv", index=False)
    result = run("--images", tmp_path, "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert "no column age" in str(result.exception)
