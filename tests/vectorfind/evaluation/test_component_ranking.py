"""Components ranked by images: planted slopes, unreadable faces, the part that may move."""

import numpy as np
import pytest

from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from tests.vectorfind.methods.components.test_sefa import StyledGenerator
from tests.vectorfind.methods.components.test_stylespace import SIGNS, SpacedGenerator
from tests.vectorfind.offered import TWIN, OfferingGenerator
from vectorfind.config import ComponentSettings, FindSettings, RankSettings
from vectorfind.evaluation.component_ranking import component_slopes
from vectorfind.methods.components.method import Components
from vectorfind.models.pair import Models
from vectorfind.runs.samples import ranking_lines, write_ranking


def components(axes, spreads):
    count = len(axes)
    return Components(np.arange(count), axes.astype(np.float32), spreads, np.full(count, 0.1))


@pytest.mark.parametrize("step", [0.25, 1.0])
def test_slopes_are_standard_deviations_of_the_score_for_one_of_the_component(step):
    models = Models(ToyGenerator(), ToyScorer())
    spreads, score_std = np.arange(1.0, 9.0) / 4, np.arange(2.0, 10.0)
    found = component_slopes(
        models, components(ToyGenerator().truth("w"), spreads), score_std,
        FindSettings(layer="w", batch_size=5), RankSettings(faces=3, step=step),
    )  # fmt: skip
    assert found.shape == (3, 8, 8)
    assert np.allclose(found, np.diag(spreads / score_std), atol=1e-4)


def test_faces_that_cannot_be_read_have_no_slopes_and_the_images_are_counted():
    def spoil(scores):
        scores[0] = np.nan  # the first image of each batch, which is the first face's
        return scores

    models, done = Models(ToyGenerator(), ToyScorer(spoil)), []
    found = component_slopes(
        models, components(np.eye(8)[:2], np.ones(2)), np.ones(8), FindSettings(layer="w"),
        RankSettings(faces=4), done.append,
    )  # fmt: skip
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()
    assert done == [8, 8]


def test_only_the_part_that_may_move_is_moved():
    models = Models(OfferingGenerator(), ToyScorer()).with_layer(TWIN)
    axes = OfferingGenerator().truth("w")
    found = component_slopes(
        models, components(axes, np.ones(8)), np.ones(8), FindSettings(layer=TWIN), RankSettings(2)
    )
    assert np.allclose(found, np.diag([0, 0, 0, 0, 1, 1, 1, 1]), atol=1e-4)


def test_the_table_names_the_component_of_each_property(tmp_path):
    settings = FindSettings(n=600, method="sefa", workers=1)
    networks = StyledGenerator(), ToyScorer()
    path, table = write_ranking(
        settings, RankSettings(faces=2), tmp_path / "t.csv", *networks, quiet=True
    )
    assert len(table) == 8 * 8  # components and all that the scorer reads
    own = table[table.component == [ToyScorer().properties.index(name) for name in table.property]]
    assert np.allclose(own.slope.abs(), 1.0, atol=0.01)
    assert np.allclose(own.slope_std, 0.0, atol=1e-3)
    assert (table.faces == 2).all()
    lines = ranking_lines(table)
    assert len(lines) == 9
    assert lines[1].split()[:2] == ["eyes", "0"]
    assert path.read_text().startswith("component,variance,property,slope,slope_std,faces\n")


def test_channels_of_style_space_are_ranked_by_images_too(tmp_path):
    settings = FindSettings(
        n=600, method="stylespace", workers=1, properties=("mouth", "pose"),
        components=ComponentSettings(count=2),
    )  # fmt: skip
    networks = SpacedGenerator(), ToyScorer()
    _, table = write_ranking(
        settings, RankSettings(faces=2), tmp_path / "t.csv", *networks, quiet=True
    )
    assert set(table.property) == {"mouth", "pose"}
    best = table.loc[table.slope.abs().groupby(table.property).idxmax()]
    places = [ToyScorer().properties.index(name) for name in best.property]
    assert best.component.tolist() == [7 - place for place in places]
    assert np.sign(best.slope).tolist() == [float(SIGNS[place]) for place in places]


def test_where_no_face_could_be_read_the_lines_say_so():
    from reports.tables import components_table

    slopes = np.array([[[np.nan, 0.5], [np.nan, -2.0]]])
    table = components_table(np.array([3, 8]), np.array([0.5, 0.25]), slopes, ("a", "b"))
    assert ranking_lines(table)[1:] == [
        "a         none could be read",
        "b         8                   25.0%     -2.00",
    ]
