"""Names of the columns of a run's tables: written here once, read everywhere."""

from __future__ import annotations

CASE = "case"
GROUP_NAME = "group_name"
PASSED = "passed"
SUM_ABS_CORR = "sum_abs_corr"

PASSED_RATIO = "passed_ratio"
SUM_ABS_CORR_MEAN = "sum_abs_corr_mean"
CASES = "cases"
UNDEFINED = "undefined"
UNREADABLE = "unreadable"

METHOD = "method"
LAYER = "layer"
N = "n"
K = "k"
TIME = "time"
SUM_MEAN_CORR = "sum_mean_corr"

STRENGTH = "strength"
SCORE = "score"
SLOPE = "slope"
LOW = "low"
HIGH = "high"
"""Ends of a mean's 95 % interval."""

DIRECTIONS = "directions"
FOUND = "found"
RANDOM = "random"
"""The two values of the column `directions` of `control.csv`."""
MEASURE = "measure"
MEAN = "mean"

MEAN_A = "mean_a"
MEAN_B = "mean_b"
DIFFERENCE = "difference"
B_HIGHER = "b_higher"
LEFT_OUT = "left_out"
P_VALUE = "p_value"
"""Columns of `comparison.csv`, besides `measure`, `low`, `high` and `cases`."""

FINDING = "finding"
HOLDS = "holds"
EVIDENCE = "evidence"
"""Columns of `findings.csv`."""

PROPERTY = "property"
FIT = "fit"
VALUE = "value"
"""Columns of `fits.csv`, besides `group_name` and `measure`."""

COMPONENT = "component"
VARIANCE = "variance"
SLOPE_STD = "slope_std"
FACES = "faces"
"""Columns of a table of components: number, share of the variance of the vectors, and how the
slopes differ among the faces that could be read; besides `property` and `slope`."""

HAIR_IOU = "hair_iou"
"""Mean overlap of a case's hair masks before and after its edits."""

JUDGE = "judge"
SCORER = "scorer"
CORR = "corr"
ABS_CORR = "abs_corr"
LEAK = "leak"
LEAK_SCORE = "leak_score"
"""Of the tables of judges; `judge` holds "scorer" for the one that directions were found with."""

IDENTITY = "identity"
LENGTH = "length"
LIMIT = "limit"
SAME_PERSON = "same_person"
EDITS = "edits"
"""Columns of `identity.csv`: an empty `length` stands for all edits, `same_person` is the share of
edits whose embeddings are at most `limit` from the unedited ones."""

CHANGE = "change"
CHANGE_FROM = "change_from"
CHANGE_TO = "change_to"
MEAN_DEPENDENCY = "mean_dependency"
MAX_DEPENDENCY = "max_dependency"
PAIRS = "pairs"
"""Columns of `attribute_dependency.csv`, besides `judge` and `property`."""

LAYERS = "layers"
ALL_LAYERS = "all"
"""Of `layers.csv`, which layers were moved; "all" for all together."""

RUN = "run"
VARIANT = "variant"
BATCHES = "batches"
"""Columns of the tables of fine-tuning runs."""

EPOCH = "epoch"
IDX = "idx"
D_LOSS = "d_loss"
G_LOSS = "g_loss"
D_TRAIN_COUNT = "d_train_count"
G_TRAIN_COUNT = "g_train_count"
REAL_SCORES_MEAN = "real_scores_mean"
FAKE_SCORES_MEAN = "fake_scores_mean"
REAL_FAKE_AUROC = "real_fake_auroc"
"""Columns of every fine-tuning run's `train_log.csv`."""

STEP = "step"
"""Batches seen at a row of a `train_log.csv`."""

LOWEST = "lowest"
"""The property with the lowest last corr-coef, a column of `verdict.csv`."""

GENERATOR = "generator"
BASE = "base"
SHARE = "share"
"""Columns of `concept.csv`; `generator` holds "base" or "run"."""

BASE_SHARE = "base_share"
RUN_SHARE = "run_share"
RATIO = "ratio"
GOAL = "goal"
"""Columns of `concept_gain.csv`; `goal` is O where enough was gained and kept, else X."""

SVM, GRADIENT, MIXED = METHODS = ("svm", "gradient", "mixed")
"""The reference system's methods: values of `method`, and beginnings of its n-curves' names."""

SUITABLE = "suitable"
"""Column of `picked.csv`: whether a person kept the case as a character."""

PASS_MARK = "O"
FAIL_MARK = "X"
"""The two values of the column `passed` of `test_result.csv`."""


def corr_column(name: str) -> str:
    """A case's corr-coef of a property, e.g. `eyes_corr`."""
    return f"{name}_corr"


def corr_mean_column(name: str) -> str:
    """The mean of a property's corr-coefs over the cases, e.g. `eyes_corr_mean`."""
    return f"{name}_corr_mean"


def mean_corr_column(name: str) -> str:
    """The same mean under the n-curve's name for it, e.g. `eyes_mean_corr`."""
    return f"{name}_mean_corr"


def svm_accuracy_column(name: str) -> str:
    """Validation accuracy of a property's SVMs, e.g. `svm_eyes_acc`."""
    return f"svm_{name}_acc"


def network_mse_column(name: str) -> str:
    """Test mean squared error of a property's gradient network, e.g. `nn_eyes_mse`."""
    return f"nn_{name}_mse"


def abs_corr_column(name: str) -> str:
    """A corr-coef without its sign, e.g. `eyes_abs_corr`."""
    return f"{name}_abs_corr"


def slope_column(name: str) -> str:
    """The effect of a property's strength on its own score, e.g. `eyes_slope`."""
    return f"{name}_slope"


def mean_column(column: str) -> str:
    """The mean of another column over the cases, e.g. `eyes_abs_corr_mean`."""
    return f"{column}_{MEAN}"


def low_column(column: str) -> str:
    """The lower end of the 95 % interval of another column, e.g. `eyes_mean_corr_low`."""
    return f"{column}_{LOW}"


def high_column(column: str) -> str:
    """The upper end of the 95 % interval of another column, e.g. `eyes_mean_corr_high`."""
    return f"{column}_{HIGH}"


def random_column(column: str) -> str:
    """Another column of the control with random directions, e.g. `random_corr_mean`."""
    return f"{RANDOM}_{column}"


def mae_column(name: str) -> str:
    """Mean absolute error of intended labels and scores of a property, e.g. `eyes_mae`."""
    return f"{name}_mae"


def first_column(column: str) -> str:
    """Another column's value in the first row of a log, e.g. `eyes_corr_first`."""
    return f"{column}_first"


def last_column(column: str) -> str:
    """Another column's mean over the last tenth of a log, e.g. `eyes_corr_last`."""
    return f"{column}_last"


def best_column(column: str) -> str:
    """Another column's largest value in a log, e.g. `eyes_corr_best`."""
    return f"{column}_best"


def verdict_column(name: str) -> str:
    """The word on how well a property's label was learnt, e.g. `eyes_verdict`."""
    return f"{name}_verdict"


def directions_column(column: str) -> str:
    """What direction finding reaches in another column, e.g. `eyes_corr_directions`."""
    return f"{column}_{DIRECTIONS}"


def share_column(name: str) -> str:
    """The share of samples within one attribute's threshold, e.g. `gender_share`."""
    return f"{name}_share"


def std_column(name: str) -> str:
    """Standard deviation of a property's scores over samples, e.g. `eyes_std`."""
    return f"{name}_std"


def diversity_column(name: str) -> str:
    """A run's standard deviation of scores as a multiple of the base's, e.g. `eyes_diversity`."""
    return f"{name}_diversity"


DEPENDENCY_COLUMNS = (
    *(CHANGE_FROM, CHANGE_TO, CHANGE),
    *(MEAN_DEPENDENCY, low_column(MEAN_DEPENDENCY), high_column(MEAN_DEPENDENCY)),
    *(MAX_DEPENDENCY, low_column(MAX_DEPENDENCY), high_column(MAX_DEPENDENCY)),
    PAIRS,
)
"""What a bin of `attribute_dependency.csv` holds."""
