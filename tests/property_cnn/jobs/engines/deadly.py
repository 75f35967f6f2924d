"""A scorer that ends its process; its module is not one for tasks alone, since it imports torch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.property_cnn.jobs.engines.travelling import once
from tests.vectorfind.planted import PlantedScorer


class Deadly(PlantedScorer):
    """Ends its process at once, where it is first asked in any."""

    def __init__(self, marker: Path):
        super().__init__()
        self.marker = marker

    def __call__(self, images):
        if once(self.marker):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(images)
