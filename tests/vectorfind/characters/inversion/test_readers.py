"""Who looks at pictures: which face is taken, and who is asked."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from tests.vectorfind.characters.inversion.conftest import TinyScorer, noise
from tests.vectorfind.characters.inversion.test_align import points_of
from vectorfind.characters.inversion import readers
from vectorfind.characters.inversion.readers import Reader, find_face, reader_for

CPU = torch.device("cpu")


class Detector:
    """Finds as many faces as it is told, the second to the right of the first."""

    def __init__(self, count, logit=20.0):
        self.count, self.logit = count, logit

    def landmarks(self, images, rank):
        points = points_of((20 + 50 * rank, 30), (30 + 50 * rank, 30), (25 + 50 * rank, 42))
        answer = torch.from_numpy(points).float()[None]
        return answer, torch.tensor([self.logit]), torch.tensor([self.count])


@pytest.fixture
def detector(monkeypatch):
    def use(*given):
        monkeypatch.setattr(readers, "load_any_scorer", lambda name, device: Detector(*given))

    return use


def test_the_largest_face_is_taken_unless_another_is_asked_for(detector):
    detector(2)
    picture = np.zeros((100, 200, 3), np.uint8)
    first, second = (find_face(picture, face, "a", CPU) for face in (1, 2))
    np.testing.assert_allclose(second.middle - first.middle, [50, 0], atol=1e-4)


def test_a_large_picture_s_face_is_in_its_own_pixels(detector):
    detector(1)
    picture = np.zeros((3000, 3000, 3), np.uint8)
    found = find_face(picture, 1, "a", CPU)
    np.testing.assert_allclose(found.middle, [25 * 3, (30 + 1.2) * 3], rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "face", "said"),
    [
        ((0,), 1, "no face is found in me.jpg; give --no-align"),
        ((1, 3.0), 1, "no face is found"),
        ((1,), 2, "face 2 of me.jpg, in which 1 are found; give 1 to 1"),
    ],
)
def test_faces_that_are_not_there_are_told(detector, given, face, said):
    detector(*given)
    with pytest.raises(InputError, match=said):
        find_face(np.zeros((10, 10, 3), np.uint8), face, "me.jpg", CPU)


def test_maps_are_recorded_and_let_go():
    reader = Reader("default", TinyScorer())
    images = noise(2, 3, 8, 8, seed=1).requires_grad_()
    look = reader.look(images)
    assert [tuple(m.shape) for m in look.maps] == [(2, 4, 6, 6)]
    assert look.maps[0].requires_grad
    assert look.points is None
    assert reader.sees_face(look)
    assert not reader.scorer.network._forward_hooks


@pytest.mark.parametrize(
    ("shifts", "fetched", "name"),
    [((9.0, 0.1), True, "default"), ((0.1, 9.0), True, "landmarks"), ((0.1, 9.0), False, "photos")],
)
def test_a_reader_suits_the_generator(monkeypatch, shifts, fetched, name):
    class Shifted:
        def __init__(self, shift):
            self.feature_shift = lambda images: shift

    def load(name, device):
        if name == "landmarks" and not fetched:
            raise CheckpointError("fetch it")
        return Shifted(shifts[name == "default"])

    monkeypatch.setattr(readers, "load_any_scorer", load)
    assert reader_for(noise(2, 3, 8, 8, seed=0)).name == name
