"""Faces of the studio on toy networks: what they show is what characters give."""

from dataclasses import replace
from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from property_cnn.common.errors import CheckpointError, InputError
from tests.vectorfind.conftest import ToyGenerator
from vectorfind.characters.character import load_character
from vectorfind.studio import sheets
from vectorfind.studio.actions import Desk, Seat
from vectorfind.studio.keeping import Shelf, TakenError
from vectorfind.studio.session import Choice, Session, View
from vectorfind.studio.stage import SHOWN, Stage

FACE = Choice("seed", 3)


@pytest.fixture(scope="module")
def stage(found) -> Stage:
    return Stage("", found("svm", "w"))


@pytest.fixture
def desk(stage) -> Desk:
    return Desk(stage, 8)


@pytest.fixture
def seat(stage) -> Seat:
    return Seat(Session(View(FACE)))


@pytest.fixture
def path(stage, tmp_path):
    stage.character(FACE).save(tmp_path / "anna.safetensors")
    return tmp_path / "anna.safetensors"


def test_a_view_is_drawn_as_its_character_draws(stage):
    view = View(FACE, (("eyes", 0.5), ("pose", -1.0)))
    expected = stage.character(FACE).render(eyes=0.5, pose=-1.0)
    np.testing.assert_array_equal(stage.pixels(view), expected)


def test_the_gallery_shows_the_faces_that_a_click_gives(stage):
    tiles = stage.gallery(0)
    assert len(tiles) == SHOWN
    np.testing.assert_allclose(
        tiles[3].pixels.astype(int), stage.pixels(View(tiles[3].choice)).astype(int), atol=1
    )


def test_readings_are_of_what_is_shown(stage):
    for one in stage.readings(View(FACE, (("eyes", 0.5),))):
        assert one.measured == pytest.approx(one.intended, abs=0.1)
        assert one.seen == pytest.approx(one.slider, abs=0.05)


def test_a_table_has_a_row_a_slider(stage):
    rows = pd.read_csv(StringIO(sheets.table(stage.readings(View(FACE, (("eyes", 0.5),))))))
    assert list(rows.columns) == list(sheets.COLUMNS)
    assert list(rows.slider) == list(stage.properties)
    assert rows.asked[0] == 0.5


def test_sheets_and_animations_hold_what_was_asked_for(stage):
    strip, grid = (
        sheets.strip(stage, View(FACE), "eyes"),
        sheets.grid(stage, View(FACE), "eyes", "mouth"),
    )
    assert strip.shape[1] / strip.shape[0] == pytest.approx(sheets.STRIP, rel=0.05)
    assert grid.shape[0] == grid.shape[1]
    for view in (View(FACE), View(FACE, (("eyes", 1.0),))):
        frames = Image.open(BytesIO(sheets.animation(stage, view, "eyes"))).n_frames
        assert sheets.FRAMES <= frames <= 2 * sheets.FRAMES - 2  # equal neighbours are one
    with pytest.raises(InputError, match="two properties"):
        sheets.grid(stage, View(FACE), "eyes", "eyes")
    with pytest.raises(InputError, match="no slider nose"):
        sheets.strip(stage, View(FACE), "nose")


def test_psi_pulls_towards_the_mean_face(stage):
    own = stage.character(FACE).face.latent
    half, none = (stage.character(replace(FACE, psi=psi)).face.latent for psi in (0.5, 0.0))
    np.testing.assert_allclose(half, (own + none) / 2, atol=1e-5)


def test_others_are_left_alone(stage, models):
    character = stage.character(replace(FACE, keep=True))
    scores = models.score(character.images(eyes=np.array([-1.0, 1.0])))
    change = np.abs(scores[1] - scores[0])
    columns = [models.scored.index(name) for name in stage.properties]
    assert change[columns[1:]].max() < 0.02 * change[columns[0]]


def test_a_late_slider_moves_no_other_face(desk, seat):
    desk.change(seat, lambda session: session)
    late = seat.revision
    desk.picked(seat, Choice("seed", 5))
    assert all(part == {"__type__": "update"} for part in desk.moved(0, seat, late, 0.9, 0, 0))
    assert seat.session.view == View(Choice("seed", 5))
    desk.moved(0, seat, seat.revision, 0.9, *[0.0] * 7)
    assert dict(seat.session.view.sliders)["eyes"] == 0.9


def test_what_is_refused_changes_nothing(desk, seat):
    before = seat.session, seat.revision
    with pytest.raises(InputError, match="without a run"):
        desk.picked(seat, Choice("case", 3))
    with pytest.raises(InputError, match="must not be above"):
        desk.remade(seat, False, 1.0, 5, 2)
    with pytest.raises(InputError, match="slider of eyes"):
        desk.moved(0, seat, 0, 1.5, 0.0, 0.0)
    assert (seat.session, seat.revision) == before


def test_users_have_sessions_of_their_own(seat):
    from copy import deepcopy

    other = deepcopy(seat)
    assert other.session == seat.session
    assert other.lock is not seat.lock


def test_a_loaded_character_is_driven_as_it_was_made(desk, seat, path):
    desk.loaded(seat, str(path))
    assert seat.session.view.choice.kind == "file"
    with pytest.raises(InputError, match="driven as it was made"):
        desk.remade(seat, True, 1.0, 0, 1)
    expected = load_character(path, desk.stage.generator).render(mouth=0.3)
    view = replace(seat.session.view, sliders=(("mouth", 0.3),))
    np.testing.assert_array_equal(desk.stage.pixels(view), expected)


def test_the_opened_character_stays(stage, path, monkeypatch):
    monkeypatch.setattr("vectorfind.studio.stage._FILES", 1)
    opened = Stage("", stage.directions, opened=stage.character(FACE))
    opened.loaded(path)
    opened.loaded(path.with_name("anna.safetensors"))
    assert opened.character(opened.first.choice) is opened.opened


def test_pictures_of_the_gallery_are_small(found, monkeypatch):
    monkeypatch.setattr("vectorfind.studio.stage.THUMBNAIL", 4)
    tiles = Stage("", found("svm", "w")).gallery(0)
    assert {max(tile.pixels.shape[:2]) <= 4 for tile in tiles} == {True}


def test_characters_of_other_generators_and_damaged_ones_are_told(desk, seat, path, tmp_path):
    class Other(ToyGenerator):
        digest = "other-generator"

    other = Stage("", replace(desk.stage.directions, models=replace(
        desk.stage.directions.models, generator=Other())))  # fmt: skip
    with pytest.raises(
        CheckpointError, match=r"lives in the generator toy-generator .*--generator"
    ):
        other.loaded(str(path))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CheckpointError) as error:
        desk.loaded(seat, str(broken))
    assert "\n" not in str(error.value)


def test_nothing_saved_is_replaced_unasked(stage, tmp_path):
    shelf, anna = Shelf(tmp_path / "kept"), stage.character(FACE)
    assert shelf.names() == []
    shelf.save(anna, "anna")
    with pytest.raises(TakenError, match="is there already"):
        shelf.save(anna, "anna")
    shelf.save(anna, "anna", replace=True)
    assert shelf.names() == ["anna"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/x", "a\\b", "x" * 65, ".hidden", None])
def test_names_never_leave_the_folder(stage, tmp_path, name):
    with pytest.raises(InputError, match="needs a name"):
        Shelf(tmp_path).save(stage.character(FACE), name)


def test_the_saved_character_tells_its_correlations(desk, seat):
    saved = desk.character(seat, "Anna")
    assert saved.name == "Anna"
    assert min(saved.made["correlations"].values()) > 0.99


def test_nothing_to_show_is_refused():
    with pytest.raises(InputError, match="nothing to show"):
        Stage()
