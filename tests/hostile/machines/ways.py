"""Many random ways through a machine's states, for the long run."""

from __future__ import annotations

import itertools
import tempfile
from unittest import mock

from hypothesis import Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.hostile.judging import Outcome
from tests.hostile.subjects.subject import QUIET

STEPS = 20
WAYS = 20
"""Ways that are drawn at once."""


def walk(name: str, machine: type[RuleBasedStateMachine], count: int, start: int) -> Outcome:
    """Goes through at least so many states; a fault ends its ways, and others are begun.

    Args:
        name: of the outcome.
        machine: counts its own `steps`.
        count: of states.
        start: the seed.
    """
    outcome = Outcome(name)

    class Counted(machine):
        def teardown(self) -> None:
            outcome.taken += self.steps
            super().teardown()

    drawn = settings(
        QUIET, max_examples=WAYS, stateful_step_count=STEPS, phases=[Phase.generate],
        print_blob=False,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="vectorfind-states-") as folder:
        place = mock.patch.object(tempfile, "tempdir", folder)
        quick = mock.patch("os.fsync"), mock.patch("os.sync")
        with place, quick[0], quick[1]:
            for part in itertools.count(1):
                if outcome.taken >= count:
                    return outcome
                try:
                    run_state_machine_as_test(
                        seed(start * 1_000_003 + part)(Counted), settings=drawn
                    )
                except Exception as error:
                    steps = [note for note in getattr(error, "__notes__", []) if "state." in note]
                    said = "".join(steps).replace("\n", " ")[-1500:]
                    outcome.faults.append(f"{type(error).__name__}: {str(error)[:300]}; {said}")
    return outcome
