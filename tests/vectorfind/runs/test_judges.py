"""A run with judges: its files, the same bytes when it was stopped, and what is refused."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from property_cnn.properties import PROPERTIES
from reports.plots.style import Plot
from tests.sketches import PNG, undraw
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.runs.test_test import FIND, contents
from vectorfind.config import EvaluateSettings
from vectorfind.evaluation import cases
from vectorfind.models.judges import Judge
from vectorfind.runs import test as runs
from vectorfind.runs.comparison import compare_runs, compare_several
from vectorfind.runs.report import write_report

TEST = EvaluateSettings(cases=5, control_cases=4, bootstrap=50)
FILES = {"judges.csv", "judges_slopes.csv", "judges_cases.csv", "identity.csv"}


class Doubter(PlantedScorer):
    """Sees the eyes as they are and the mouth the other way, and knows who is seen."""

    properties, digest, same_person = ("eyes", "mouth"), "doubter", 5.0

    def __call__(self, images):
        scores = super().__call__(images)
        return scores[:, [0, PROPERTIES.index("mouth")]] * scores.new_tensor([1, -1])

    def scores_and_embeddings(self, images):
        return self(images), PlantedScorer()(images)


def run(out, *judges, test=TEST, **options):
    return runs.run_test(
        FIND, test, out, PlantedGenerator(), PlantedScorer(), quiet=True, judges=judges, **options
    )


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    with pytest.MonkeyPatch.context() as patch:
        undraw(patch)
        patch.setattr(runs, "run_figures", lambda *args: {"strength": Plot(PNG)})
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("judged") / "out"
    run(path, Doubter())
    return path


def test_the_files_of_judges_are_there_and_listed(folder):
    assert {path.name for path in folder.iterdir()} >= FILES
    verified = verify(folder)
    assert verified.whole
    assert set(verified.files) >= FILES
    config = json.loads((folder / "config.json").read_text())
    assert config["judges"] == {"Doubter": "doubter"}
    with np.load(folder / "scores.npz", allow_pickle=False) as file:
        assert file["judge_0_edited"].shape == (5, 50, 2)
        assert file["judge_0_control"].shape == (4, 50, 2)


def test_the_page_and_the_lines_say_who_disagrees(folder):
    page = (folder / "report.html").read_text()
    assert "What judges say" in page
    assert "Not clear of chance: mouth by Doubter." in page
    assert "By Doubter, eyes follows its number, clear of chance." in page
    assert "By Doubter, mouth moves the other way: −" in page
    assert "Doubter does not read pose." in page
    report = run(folder, Doubter())
    lines = [line for line in report.lines if "Doubter" in line]
    assert lines[0].startswith("judged by Doubter: eyes ")
    assert lines[1].startswith("identity by Doubter: cosine ")
    assert lines[-1] == "note: not clear of chance: mouth by Doubter"
    assert len(report.values()["tables"]["judges"]) == 6


def test_a_run_stopped_in_its_cases_goes_on_to_the_same_bytes(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "CASE_BLOCK", 2)
    read, images = Doubter.scores_and_embeddings, []

    def stopped(self, given):
        images.append(len(given))
        if len(images) == 6:
            raise KeyboardInterrupt
        return read(self, given)

    run(tmp_path / "whole", Doubter())
    with monkeypatch.context() as patch:
        patch.setattr(Doubter, "scores_and_embeddings", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped", Doubter())
    assert len(list((tmp_path / "stopped" / "cases").iterdir())) == 1
    run(tmp_path / "stopped", Doubter())
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_missing_table_is_made_again(folder):
    before = contents(folder)
    (folder / "judges.csv").unlink()
    assert run(folder, Doubter()).lines[0] == "made again: judges.csv (missing)"
    assert contents(folder) == before


def test_other_judges_are_another_run(folder):
    for judges in ((), (Judge("other", Doubter()),)):
        with pytest.raises(InputError, match=r"judges\..*--overwrite"):
            run(folder, *judges)


def test_overwriting_without_judges_leaves_none_of_their_files(tmp_path):
    run(tmp_path, Doubter())
    run(tmp_path, overwrite=True)
    assert not {path.name for path in tmp_path.iterdir()} & FILES
    assert "What judges say" not in (tmp_path / "report.html").read_text()
    assert verify(tmp_path).whole


def test_a_judge_without_a_digest_is_asked_again(tmp_path):
    def mouth(images):
        asked.append(len(images))
        return PlantedScorer()(images)[:, [PROPERTIES.index("mouth")]]

    asked, mouth.properties = [], ("mouth",)
    run(tmp_path, mouth)
    once = len(asked)
    run(tmp_path, mouth)
    assert len(asked) == 2 * once
    assert not (tmp_path / "identity.csv").exists()
    table = pd.read_csv(tmp_path / "judges.csv", index_col=["judge", "property"])
    own, judged = (table.loc[judge, "mouth"] for judge in ("scorer", "mouth"))
    assert own["corr_mean"] == judged["corr_mean"]


def test_judges_are_refused_before_sampling(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "draw", None)
    hair = Doubter()
    hair.properties = ("hair_color",)
    with pytest.raises(InputError, match="the judge Doubter reads hair_color and none of eyes"):
        run(tmp_path / "out", hair)


def test_directions_of_a_file_are_judged(folder, tmp_path):
    networks = PlantedGenerator(), PlantedScorer()
    runs.run_evaluate(folder, TEST, tmp_path, *networks, quiet=True, judges=(Doubter(),))
    same = FILES | {"scores.npz"}
    assert {name: (tmp_path / name).read_bytes() for name in same} == {
        name: (folder / name).read_bytes() for name in same
    }


def test_reports_and_comparisons_of_folders_with_and_without_judges(folder, tmp_path):
    run(tmp_path / "without")
    page = write_report(folder, tmp_path / "page").page.read_text()
    assert "What judges say" in page
    compared = compare_runs(folder, tmp_path / "without", tmp_path / "both")
    assert compared.page.exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("judges.csv", "corr_mean", "corr_man", "the table lacks corr_mean"),
        ("judges.csv", "Doubter,eyes,eyes,", "Doubter,eyes,eyes,x", "no number"),
        ("identity.csv", "Doubter,found", '"D\x01",found', "control characters"),
    ],
)
def test_damaged_tables_of_judges_are_refused_in_a_line(folder, tmp_path, name, old, new, words):
    for path in folder.iterdir():
        if path.is_file() and path.name != "files.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        write_report(tmp_path, tmp_path / "page")


def test_a_case_that_a_judge_leaves_undefined_is_left_out_of_its_sum(folder, tmp_path):
    others = [tmp_path / name for name in ("again", "once-more")]
    for path in others:
        shutil.copytree(folder, path)
        cases = pd.read_csv(path / "judges_cases.csv")
        cases.loc[0, "eyes_corr"] = np.nan
        cases.to_csv(path / "judges_cases.csv", index=False)
    table = compare_several([folder, *others]).tables["comparison"]
    sums = table[(table["measure"] == "sum_abs_corr") & (table["judge"] != "scorer")]
    cases = pd.read_csv(others[0] / "judges_cases.csv")
    told = cases[["eyes_corr", "mouth_corr"]].abs().sum(axis=1, skipna=False)
    assert sums["mean"].iloc[1] == pytest.approx(told.mean(), rel=1e-6)
    assert sums["left_out"].iloc[1] == 1


def test_several_judged_runs_have_their_judges_rows(folder, tmp_path):
    others = [tmp_path / name for name in ("again", "once-more")]
    for path in others:
        shutil.copytree(folder, path)
    table = compare_several([folder, *others]).tables["comparison"]
    rows = table.set_index(["run", "judge", "measure"])
    cosines = pd.read_csv(folder / "identity.csv")
    [judge] = set(table["judge"]) - {"scorer"}
    identity = rows.xs((judge, "identity"), level=("judge", "measure"))["mean"]
    with np.load(folder / "scores.npz") as scores:
        np.testing.assert_allclose(identity, np.nanmean(scores["judge_0_cosine"]), rtol=1e-3)
    assert len(cosines)
    assert {"passed", "leak", "identity", "sum_abs_corr"} <= set(
        table.loc[table["judge"] == judge, "measure"]
    )
    later = table[table["run"] != table["run"][0]]
    assert (later["difference"].fillna(0.0) == 0.0).all()
