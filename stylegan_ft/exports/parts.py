"""One network of an export, ready to run: arrays in, arrays out, in the batches that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from property_cnn.common.errors import CheckpointError, VectorfindError

SHOWN = 160
"""Letters of a runtime's error that are shown."""

KINDS = "fiub"
"""NumPy's letters of the types that outputs may have."""

Call = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Slot:
    """An input of a network.

    Attributes:
        name: as the file has it.
        shape: sizes; None for one that is open.
        dtype: type of its numbers.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype


class Part:
    """A network that a runtime has loaded.

    Args:
        what: what errors call it.
        runtime: name of what runs it.
        inputs: in the file's order.
        call: runs it once, arrays of all inputs to arrays of all outputs; several threads may.
        kind: what wrote the file.
        parameters: numbers in its weights.
        files: of which it is made.

    Attributes:
        batch: rows of every pass, where these are fixed; None for any number.
    """

    def __init__(
        self,
        what: str,
        runtime: str,
        inputs: Sequence[Slot],
        call: Call,
        kind: str,
        parameters: int,
        files: Sequence[Path],
    ):  # fmt: skip
        self.what, self.runtime, self.inputs = what, runtime, tuple(inputs)
        self.kind, self.parameters, self.files = kind, parameters, tuple(files)
        self._call = call
        fixed = {slot.shape[0] for slot in inputs if slot.shape and slot.shape[0] is not None}
        if len(fixed) > 1 or 0 in fixed:
            raise CheckpointError(f"{what}: its inputs have batches of {sorted(fixed)}")
        self.batch = fixed.pop() if fixed else None

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs of inputs with as many rows each; one row or more.

        Raises:
            CheckpointError: the runtime cannot run it.
        """
        arrays = [
            np.ascontiguousarray(array, dtype=slot.dtype)
            for array, slot in zip(arrays, self.inputs, strict=True)
        ]
        if self.batch is None:
            return self._run(arrays)
        count = len(arrays[0])
        passes = []
        for start in range(0, count, self.batch):
            rows = np.arange(start, start + self.batch).clip(max=count - 1)  # the last one fills up
            passes.append(self._run([array[rows] for array in arrays]))
        with saying(self.what, self.runtime, "run"):
            outputs = (list(map(np.atleast_1d, pieces)) for pieces in zip(*passes, strict=True))
            return [np.concatenate(pieces)[:count] for pieces in outputs]

    def probe(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """As a call, of several rows; where a network takes only one, though it says that it takes
        any number, this is noted in `batch`.
        """
        if self.batch is None:
            try:
                outputs = self(arrays)
                if all(out.ndim and len(out) == len(arrays[0]) for out in outputs):
                    return outputs
            except CheckpointError:
                pass
            self.batch = 1
        return self(arrays)

    def _run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with saying(self.what, self.runtime, "run"):
            outputs = [np.asarray(output) for output in self._call(arrays)]
            odd = next((output.dtype for output in outputs if output.dtype.kind not in KINDS), None)
            if odd is not None:
                raise TypeError(f"an output is of {odd}, not of numbers")
            return outputs


@contextmanager
def saying(what: str, runtime: str, action: str) -> Iterator[None]:
    """Whatever a runtime raises inside becomes one CheckpointError in a line."""
    try:
        yield
    except VectorfindError:
        raise
    except Exception as error:  # each has its own
        text = " ".join(str(error).split())
        text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        said = text or type(error).__name__
        raise CheckpointError(f"{what}: {runtime} cannot {action} it ({said})") from error
