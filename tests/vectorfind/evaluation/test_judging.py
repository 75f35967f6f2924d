"""Judges of a test: known answers, what they cannot read, and that every image is made once."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from property_cnn.common.errors import InputError, ScorerError
from property_cnn.properties import PROPERTIES
from reports import columns as c
from reports.layout import IDENTITY, JUDGES, JUDGES_CASES, JUDGES_SLOPES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import EvaluateSettings
from vectorfind.directions.edits import CaseEdits
from vectorfind.evaluation.cases import Onlookers, case_scores
from vectorfind.evaluation.image_test import completed, image_count
from vectorfind.evaluation.judge_tables import judge_arrays, judge_tables
from vectorfind.models.judges import Judge, check_judges_early, load_judges
from vectorfind.models.pair import Models
from vectorfind.pipeline import run_evaluation

SETTINGS = EvaluateSettings(cases=12, control_cases=5, bootstrap=100)
NAMES = ("eyes", "mouth", "pose")


class Seer(ToyScorer):
    """A judge that knows who is seen: by the first two scores, as an angle."""

    digest, same_person = "seer", 0.5

    def scores_and_embeddings(self, images):
        scores = ToyScorer()(images)
        angle = scores[:, PROPERTIES.index("eyes")]
        return scores, 3 * torch.stack([angle.cos(), angle.sin()], dim=1)


def opposite(scores):
    return -scores


def blind(scores):
    return torch.full_like(scores, torch.nan)


def judged(directions, *judges, settings=SETTINGS):
    return run_evaluation(directions, settings, quiet=True, judges=judges)


@pytest.fixture(scope="module")
def evaluation(found):
    judges = (
        Judge("same", ToyScorer()),
        Judge("opposite", ToyScorer(opposite)),
        Judge("blind", ToyScorer(blind)),
        Judge("few", ToyScorer(properties=("hair_color", "pose"))),
        Judge("seer", Seer()),
    )
    return judged(found(), *judges)


def of(evaluation, name):
    return next(each for each in evaluation.judgements if each.judge.name == name)


def test_judges_change_nothing_of_the_scorers_own_figures(found, evaluation):
    alone = judged(found())
    assert alone.judgements == ()
    assert alone.measured.scores.tobytes() == evaluation.measured.scores.tobytes()
    assert alone.table.equals(evaluation.table)
    assert judge_tables(alone) == judge_arrays(alone) == {}


def test_a_judge_that_is_the_scorer_gives_its_figures(found, evaluation):
    same, own = of(evaluation, "same"), evaluation
    assert same.reads == {name: name for name in NAMES}
    assert np.array_equal(same.measured.correlations, own.measured.correlations)
    assert np.array_equal(same.control.correlations, own.control.correlations)
    assert np.array_equal(same.passed, own.table["passed"] == "O")
    assert np.allclose(same.base_scores, own.base_scores, atol=1e-5)
    ratio = found().score_std / own.base_scores.std(axis=0)  # each in its own unit
    assert np.allclose(same.measured.slope.mean, own.measured.slope.mean * ratio, atol=1e-4)


def test_a_judge_that_sees_the_opposite_says_so(evaluation):
    other, own = of(evaluation, "opposite"), evaluation.measured
    assert np.allclose(other.measured.correlations, -own.correlations, atol=1e-9)
    assert (other.measured.correlation.high < 0).all()
    own_slopes = [other.measured.slope.mean[i, PROPERTIES.index(n)] for i, n in enumerate(NAMES)]
    assert (np.array(own_slopes) < 0).all()


def test_a_judge_that_reads_nothing_has_no_figures_and_stops_nothing(evaluation):
    told = of(evaluation, "blind")
    assert np.isnan(told.measured.correlations).all()
    assert np.isnan(told.measured.slopes).all()
    assert told.measured.unreadable == 12 * 50
    assert not told.passed.any()
    assert evaluation.measured.unreadable == 0


def test_what_a_judge_cannot_read_is_left_out_and_counted(found):
    def spoil(scores):
        if len(scores) == 50:
            scores[::5] = torch.nan
        return scores

    told = of(judged(found(), Judge("some", ToyScorer(spoil))), "some")
    assert told.measured.unreadable == 12 * 10
    assert told.measured.undefined == 0
    assert (told.measured.correlations > 0.85).all()


def test_a_judge_may_read_some_of_the_properties(evaluation):
    few = of(evaluation, "few")
    assert few.reads == {"pose": "pose"}
    assert np.array_equal(few.measured.correlations[:, 0], evaluation.measured.correlations[:, 2])
    assert few.measured.slopes.shape == (12, 3, 2)  # what all strengths do to what it reads
    row = rows(evaluation).loc["few", "eyes"]
    assert row[c.SCORE] == ""
    assert np.isnan(row["corr_mean"])


def test_yaw_and_pose_are_one_property(found):
    def yaw(images):
        return ToyScorer()(images)[:, [PROPERTIES.index("pose")]]

    yaw.properties = ("yaw",)
    evaluation = judged(found(), Judge("yaw", yaw))
    told = evaluation.judgements[0]
    assert told.reads == {"pose": "yaw"}
    assert np.array_equal(told.measured.correlations[:, 0], evaluation.measured.correlations[:, 2])


def test_identity_is_the_cosine_of_embeddings(evaluation):
    seer = of(evaluation, "seer")
    eyes = PROPERTIES.index("eyes")
    turned = seer.measured.scores[..., eyes] - seer.base_scores[:, None, eyes]  # (C, S) angles
    assert np.allclose(seer.identity.cosine, np.cos(turned), atol=1e-5)
    assert np.allclose(seer.identity.distance, 6 * np.abs(np.sin(turned / 2)), atol=1e-4)
    assert float(seer.identity.mean.mean) == pytest.approx(np.cos(turned).mean(), abs=1e-5)
    assert seer.control_identity.cosine.shape == (5, 50)
    assert of(evaluation, "same").identity is None
    table = judge_tables(evaluation)[IDENTITY]
    whole = table[table[c.LENGTH].isna()].set_index(c.DIRECTIONS)
    assert whole.loc[c.FOUND, c.SAME_PERSON] == (seer.identity.distance <= 0.5).mean()
    parts = table[table[c.LENGTH].notna()].groupby(c.DIRECTIONS)[c.EDITS].sum()
    assert parts.to_dict() == {c.FOUND: 12 * 50, c.RANDOM: 5 * 50}


def test_a_face_that_is_not_found_has_no_identity(found):
    class Lost(Seer):
        def scores_and_embeddings(self, images):
            scores, embeddings = super().scores_and_embeddings(images)
            embeddings[0] = torch.nan
            return scores, embeddings

    identity = (
        judged(found(), Lost(), settings=replace(SETTINGS, cases=3, control_cases=0))
        .judgements[0]
        .identity
    )
    assert np.isnan(identity.cosine[:, 0]).all()
    assert np.isnan(identity.cosine[0]).all()  # its unedited image
    assert np.isfinite(identity.cosine[1:, 1:]).all()
    assert np.isfinite(identity.mean.mean)


def rows(evaluation):
    return judge_tables(evaluation)[JUDGES].set_index([c.JUDGE, c.PROPERTY])


def test_tables_have_the_scorer_first_and_a_row_a_judge_and_property(evaluation):
    tables = judge_tables(evaluation)
    table = rows(evaluation)
    judges = ("scorer", "same", "opposite", "blind", "few", "seer")
    assert list(table.index) == [(judge, name) for judge in judges for name in NAMES]
    for measure in ("corr_mean", "corr_low", "corr_high", "random_corr_mean", "passed"):
        assert np.allclose(table.loc["same"][measure], table.loc["scorer"][measure], atol=1e-9)
    own = evaluation.measured.slope.mean[0].copy()
    own[PROPERTIES.index("eyes")] = 0
    assert abs(table.loc["scorer", "eyes"][c.LEAK]) == pytest.approx(np.abs(own).max())
    assert len(tables[JUDGES_CASES]) == 5 * 12
    assert len(tables[JUDGES_SLOPES]) == 3 * (4 * 8 + 2)
    assert pd.isna(table.loc["blind", "eyes"][c.LEAK])


def test_a_part_of_a_property_is_no_leak_of_it(found):
    def eyes(images):
        return ToyScorer()(images)[:, [0, 0, PROPERTIES.index("mouth")]]

    eyes.properties = ("eyes", "left_eye", "mouth")
    table = rows(judged(found(), Judge("eyes", eyes)))
    assert table.loc["eyes", "eyes"][c.LEAK_SCORE] == "mouth"
    assert table.loc["eyes", "mouth"][c.LEAK_SCORE] in ("eyes", "left_eye")


def test_what_judges_read_is_kept(evaluation):
    arrays = judge_arrays(evaluation)
    assert list(arrays["judges"]) == ["same", "opposite", "blind", "few", "seer"]
    assert arrays["judge_0_edited"].tobytes() == evaluation.measured.scores.tobytes()
    assert arrays["judge_3_base"].shape == (12, 2)
    assert arrays["judge_4_cosine"].shape == (12, 50)


def test_all_judges_read_the_same_images_each_made_once(found):
    directions, generator, seen = found(), ToyGenerator(), []
    real, made = generator.synthesize, []
    generator.synthesize = lambda v, layer: made.append(len(v)) or real(v, layer)

    def look(scores):
        seen.append(len(scores))
        return scores

    directions = replace(directions, models=Models(generator, ToyScorer()))
    settings = replace(SETTINGS, cases=4, control_cases=2)
    judged(directions, Judge("a", ToyScorer(look)), Judge("b", Seer()), settings=settings)
    edits = (4 + 2) * 50
    assert sum(seen) == edits + 6  # and the unedited ones, once
    assert sum(made) == edits + 6 + 4 == image_count(completed(settings, directions), judged=True)


def test_a_judge_of_nothing_that_is_shared_is_refused_before_an_image_is_made(found):
    generator = ToyGenerator()
    generator.synthesize = None
    directions = replace(found(), models=Models(generator, ToyScorer()))
    hair = ToyScorer(properties=("hair_color",))
    with pytest.raises(InputError, match="the judge ToyScorer reads hair_color and none of eyes"):
        judged(directions, hair)
    with pytest.raises(InputError, match="the judge iris reads eyes"):
        check_judges_early(("iris",), ("mouth",))


def test_a_judge_with_infinite_scores_is_named(found):
    bad = Judge("bad", ToyScorer(lambda scores: scores / 0))
    with pytest.raises(ScorerError, match="the judge bad: the scorer gave infinities"):
        judged(found(), bad, settings=replace(SETTINGS, cases=2, control_cases=0))


class Counting(Seer):
    def __init__(self, digest="seer"):
        super().__init__()
        self.digest, self.images = digest, 0

    def scores_and_embeddings(self, images):
        self.images += len(images)
        return super().scores_and_embeddings(images)


def test_blocks_are_cached_with_their_judges(models, tmp_path):
    rng = np.random.default_rng(0)
    latents, vectors, grid = (rng.standard_normal(s) for s in ((20, 8), (20, 3, 8), (5, 3)))
    arrays = (array.astype(np.float32) for array in (latents, vectors, grid))
    edits = CaseEdits(models, *arrays, "w", 16)

    def read(scorer, folder=tmp_path):
        onlookers = Onlookers(judges=load_judges((scorer,), scorer.properties))
        return case_scores(edits, onlookers, workers=1, folder=folder).judged[0]

    first, again, other = Counting(), Counting(), Counting("another")
    whole, kept = read(first), read(again)
    assert first.images == 20 * 6
    assert again.images == 0
    for part in ("unedited", "edited", "cosine", "distance"):
        assert getattr(whole, part).tobytes() == getattr(kept, part).tobytes()
    read(other)
    assert other.images == 20 * 6
    files = len(list(tmp_path.iterdir()))
    read(Counting(""))
    assert len(list(tmp_path.iterdir())) == files  # nothing is kept of one without a digest
