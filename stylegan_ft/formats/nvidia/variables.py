"""Variables of TensorFlow's networks, taken by name and brought to PyTorch's order of axes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.settings import Keywords
from stylegan_ft.formats.families import listed

IGNORED = (
    "truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val",
    "dlatent_avg_beta", "w_avg_beta", "style_mixing_prob", "is_training", "is_validation",
    "return_dlatents", "dlatent_broadcast", "randomize_noise", "structure", "fused_modconv",
    "mapping_func", "synthesis_func", "fmap_base", "fmap_decay", "fmap_min", "fmap_max",
)  # fmt: skip
"""Arguments that concern training and sampling, or sizes that the variables tell."""


class Variables:
    """The variables of a network, each of which is taken once.

    Args:
        held: full name, as "mapping/Dense0/weight", -> its numbers.
    """

    def __init__(self, held: Mapping[str, Tensor]):
        self._left = dict(held)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def drop(self, name: str) -> None:
        """Leaves a variable out, if there is one."""
        self._left.pop(name, None)

    def take(self, name: str, axes: int) -> Tensor:
        """A variable, as it is.

        Raises:
            CheckpointError: it is missing, empty, or has another number of axes.
        """
        if name not in self._left:
            raise CheckpointError(f"its TensorFlow network lacks {name}")
        found = self._left.pop(name)
        if found.ndim != axes:
            raise CheckpointError(f"its {name} has {found.ndim} axes, not {axes}")
        if not found.numel():
            raise CheckpointError(f"its {name} has no numbers")
        return found

    def number(self, name: str) -> float:
        """A variable that is a single number."""
        return self.take(name, axes=0).item()

    def matrix(self, name: str) -> Tensor:
        """Weights (inputs, outputs) of a dense layer -> (outputs, inputs)."""
        return self.take(name, axes=2).T.contiguous()

    def kernel(self, name: str, turned: bool = False) -> Tensor:
        """Weights (k, k, inputs, outputs) of a convolution -> (outputs, inputs, k, k).

        Args:
            turned: by 180 degrees.
        """
        weight = self.take(name, axes=4)
        return (weight.flip(0, 1) if turned else weight).permute(3, 2, 0, 1).contiguous()

    def image(self, name: str) -> Tensor:
        """A variable (1, C, H, W)."""
        image = self.take(name, axes=4)
        if len(image) != 1:
            raise CheckpointError(f"its {name} has {len(image)} images, not one")
        return image

    def finish(self) -> None:
        """CheckpointError if variables are left, since they may belong to another network."""
        if self._left:
            raise CheckpointError(
                f"its TensorFlow network has {listed(self._left)}, which are not of a network that "
                "this library has"
            )


def check_arguments(
    given: Keywords, fixed: Mapping[str, object], sizes: Mapping[str, object]
) -> None:
    """Takes the arguments that may have one value alone, and those that the weights tell, too.

    Args:
        fixed: name -> the value of the network that this library has.
        sizes: name -> the value that the weights tell; None where they do not.

    Raises:
        CheckpointError: one has another value, or one is not known.
    """
    given.ignore(*IGNORED)
    for name, value in fixed.items():
        found = given.take(name, value)
        if found != value:
            raise CheckpointError(
                f"its {name} is {str(found)[:60]!r}; the network that this library has takes "
                f"{value!r}"
            )
    for name, value in sizes.items():
        found = given.take(name, None)
        if found is not None and found != value:
            raise CheckpointError(
                f"its {name} is {str(found)[:60]!r}, but its weights have {value}"
            )
    given.finish()
