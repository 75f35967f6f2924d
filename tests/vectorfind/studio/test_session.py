"""Actions on a session: what each does, what undo brings back, and what is refused."""

import pytest

from property_cnn.common.errors import InputError
from vectorfind.studio import session as acts
from vectorfind.studio.session import Choice, Session, View

REST = {"eyes": 0.1, "mouth": -0.4}
START = Session(View(Choice("seed", 3)))


def moved(session, touched="eyes", **sliders):
    return acts.posed(session, {**REST, **sliders}, REST, touched)


def test_a_moved_slider_is_in_the_view_and_a_resting_one_is_not():
    session = moved(START, eyes=0.7)
    assert session.view.sliders == (("eyes", 0.7),)
    assert moved(session, eyes=0.104).view == START.view  # within a step of where it rests


def test_a_drag_is_one_step_until_it_is_settled():
    session = moved(moved(moved(START, eyes=0.2), eyes=0.3), eyes=0.4)
    assert session.past == (START.view,)
    again = moved(acts.settled(session), eyes=0.9)
    assert again.past == (START.view, session.view)
    assert len(moved(session, "mouth", eyes=0.4, mouth=0.5).past) == 2


def test_undo_and_redo_go_through_all_steps():
    first = moved(START, eyes=0.7)
    last = acts.dyed(first, {"ombre-color": 0.9})
    assert acts.undone(last).view == first.view
    assert acts.undone(acts.undone(last)).view == START.view
    assert acts.redone(acts.redone(acts.undone(acts.undone(last)))).view == last.view
    assert acts.undone(START) == START
    assert acts.redone(last) == last
    assert moved(acts.undone(last), eyes=-0.5).future == ()


def test_steps_are_bounded():
    session = START
    for number in range(acts.KEPT + 20):
        session = acts.picked(session, Choice("seed", number + 10))
    assert len(session.past) == acts.KEPT


def test_reset_can_be_undone():
    session = acts.dyed(moved(START, eyes=0.7), {"ombre-color": 0.9})
    assert acts.reset(session).view == START.view
    assert acts.undone(acts.reset(session)).view == session.view


def test_another_face_is_unedited_and_made_as_the_last():
    session = acts.remade(moved(START, eyes=0.7), psi=0.5, keep=True)
    picked = acts.picked(session, Choice("seed", 8))
    assert picked.view == View(Choice("seed", 8, psi=0.5, keep=True))
    loaded = acts.picked(session, Choice("file", file="anna"), {"ombre-color": 0.3})
    assert loaded.view == View(Choice("file", file="anna"), (), (("ombre-color", 0.3),))


def test_before_is_the_unedited_face_until_something_is_done():
    session = acts.turned(moved(START, eyes=0.7))
    assert session.shown == START.view
    assert acts.turned(session).shown == session.view
    assert not moved(session, eyes=0.8).before


def test_two_faces_change_places():
    session = acts.put_beside(moved(START, eyes=0.7))
    other = acts.picked(session, Choice("seed", 8))
    swapped = acts.swapped(other)
    assert (swapped.view, swapped.beside) == (session.view, other.view)
    assert acts.put_beside(swapped).beside is None
    with pytest.raises(InputError, match="there is one face"):
        acts.swapped(START)


def test_the_last_moved_properties_come_first():
    session = moved(moved(moved(START), "mouth"), "eyes")
    assert session.recent == ("eyes", "mouth")


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (lambda: moved(START, eyes=1.01), "slider of eyes"),
        (lambda: moved(START, eyes=float("nan")), "slider of eyes"),
        (lambda: moved(START, nose=0.1), "no slider nose; it has eyes, mouth"),
        (lambda: acts.dyed(START, {"ombre-color": 1.2}), "ombre-color"),
        (lambda: acts.dyed(START, {"shine": 0.5}), "no shine; it has ombre-color"),
        (lambda: acts.picked(START, Choice("seed", -1)), "number"),
        (lambda: acts.remade(START, psi=1.5), "psi"),
        (lambda: acts.remade(Session(View(Choice("file", file="a"))), keep=True), "as it was made"),
    ],
)
def test_what_is_not_allowed_is_one_line(action, told):
    with pytest.raises(InputError, match=told) as error:
        action()
    assert "\n" not in str(error.value)
