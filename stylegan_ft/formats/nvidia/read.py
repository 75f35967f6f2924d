"""Which of NVIDIA's pickles a file is, and the generator in it."""

from __future__ import annotations

from stylegan_ft.formats.nvidia import official, tensorflow
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import Saved


def read_nvidia(saved: Saved, data: Data, payload: bool = True) -> Checkpoint | None:
    """The generator that a file holds as a whole object of NVIDIA's; None if it holds none.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it is another network of theirs, damaged, or not one that this library has.
    """
    network = official.find_network(saved)
    if network is not None:
        return official.read_network(network, saved, data, payload)
    generator = tensorflow.find_generator(saved)
    if generator is None:
        return None
    return tensorflow.read_generator(generator, data, payload)
