"""The tables of a comparison of students: each network in each fold, and what differs clearly.

A student trained again from another seed scores otherwise. The students without terms, of several
seeds, tell by how much: a difference counts as clear where it is beyond its 95 % interval by them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from reports.segmentation import (
    ACCURACY,
    BEST,
    CLEAR,
    DIFFERENCE,
    FOLD,
    ITERATION,
    LAST,
    MARGIN,
    MEAN_ACCURACY,
    MIOU,
    MODEL,
    SEED,
    WEIGHTS,
    WHAT,
)
