"""A scorer made of any function on images that answers with a table of named numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from property_cnn.common.checks import check_names, checked, choose, refused
from property_cnn.common.errors import ScorerError
from property_cnn.common.prompt import Shown, brief

TAKES = ("tensor", "array", "pixels")


class CallableScorer(Shown):
    """Makes a scorer, as `protocols.Scorer` says, of a function.

        scorer = CallableScorer(lambda images: {"bright": images.mean(dim=(1, 2, 3))}, ["bright"])

    The function's answer is a mapping from names to (N,) numbers, a pandas DataFrame of N rows,
    or an array or tensor (N, P), or (N,) of one property, in the order of `properties`. Of a
    table only these are read. NaN stands for an image that cannot be read.

    Args:
        function: of a batch of images, as `takes` says.
        properties: names of the scores that are used; more of a score means more of it.
        takes: "tensor": (N, 3, H, W) float32 in [-1, 1] on the device; "array": the same as a
            NumPy array; "pixels": (N, H, W, 3) uint8 RGB, as OpenCV and PIL take them.
        device: where tensors are handed to the function.
        digest: names the function's version; without one, nothing that was kept on disk is used
            again, as the function may have changed.
        thread_safe: several threads may call the function at once.

    Raises:
        InputError: no properties, or an unknown way to hand over images.
    """

    def __init__(
        self,
        function: Callable[..., object],
        properties: Sequence[str],
        *,
        takes: str = "tensor",
        device: str | torch.device = "cpu",
        digest: str = "",
        thread_safe: bool = False,
    ):
        if not callable(function):
            raise refused("function", function, "a function of images")
        names = checked("properties", properties, tuple[str, ...])
        if not names:
            raise refused("properties", properties, "the names of one score or more")
        check_names("property", names, names)
        choose("takes", takes, TAKES)
        self.function, self.properties, self.takes = function, names, takes
        self.device, self.digest, self.thread_safe = torch.device(device), digest, thread_safe

    def facts(self) -> dict[str, str]:
        """The function, what it reads and what it takes."""
        function = getattr(self.function, "__qualname__", type(self.function).__name__)
        return {
            "properties": brief(self.properties),
            "function": f"{function}, takes {self.takes} on {self.device}",
            "digest": self.digest or "none",
        }

    def __call__(self, images: torch.Tensor) -> np.ndarray:
        """Images (N, 3, H, W) in [-1, 1] -> scores (N, P) float32.

        Raises:
            ScorerError: the answer lacks a property, or has other than a number an image.
        """
        answer = self.function(self._given(images))
        if isinstance(answer, Mapping | pd.DataFrame):
            missing = [name for name in self.properties if name not in answer]
            if missing:
                raise ScorerError(
                    f"the scorer's function gave {', '.join(map(str, answer))}, "
                    f"but no {', '.join(missing)}"
                )
            columns = [_numbers(answer[name]) for name in self.properties]
            bad = [name for name, column in zip(self.properties, columns, strict=True)
                   if column.shape != (len(images),)]  # fmt: skip
            if bad:
                raise ScorerError(
                    f"the scorer's function gave {', '.join(bad)} in another shape than "
                    f"({len(images)},), a number an image"
                )
            return np.stack(columns, axis=1)
        scores = _numbers(answer)
        return scores[:, None] if scores.ndim == 1 and len(self.properties) == 1 else scores

    def _given(self, images: torch.Tensor) -> torch.Tensor | np.ndarray:
        if self.takes == "tensor":
            return images.to(self.device)
        array = images.cpu().numpy()
        if self.takes == "array":
            return array
        pixels = np.clip(np.rint((array + 1) * 127.5), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


def _numbers(values: object) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu()
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ScorerError(
            f"the scorer's function gave a {type(values).__name__} that is no array of numbers"
        ) from error
