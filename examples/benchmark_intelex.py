"""Times scikit-learn with and without scikit-learn-intelex on data shaped like latents.

    python examples/benchmark_intelex.py

Prints seconds (the best of three) of a fit with each and their ratio, and whether the extension
replaces the estimator at all. It says what the extension is worth on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn import decomposition, linear_model, manifold, svm

ROWS, DIMENSIONS = 2000, 1024


def estimators() -> dict[str, Callable[[], object]]:
    """Makers of the estimators to time, looked up anew after patching."""
    return {
        "LinearSVC": lambda: svm.LinearSVC(C=10.0, dual=False),
        "SVC (linear)": lambda: svm.SVC(kernel="linear"),
        "LogisticRegression": lambda: linear_model.LogisticRegression(max_iter=200),
        "Ridge": lambda: linear_model.Ridge(),
        "PCA": lambda: decomposition.PCA(n_components=50, svd_solver="covariance_eigh"),
        "TSNE": lambda: manifold.TSNE(init="random", max_iter=300, random_state=0),
    }


def data() -> tuple[np.ndarray, np.ndarray]:
    """Vectors (ROWS, DIMENSIONS) and the side of a noisy plane that each lies on."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(ROWS, DIMENSIONS))
    side = vectors[:, :20].sum(axis=1) + 2.0 * rng.normal(size=ROWS) > 0
    return vectors, side.astype(int)


def seconds(make: Callable[[], object], vectors: np.ndarray, side: np.ndarray) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        make().fit(vectors, side)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    try:
        from sklearnex import patch_sklearn, unpatch_sklearn
    except ImportError:
        raise SystemExit("scikit-learn-intelex is not installed (it is for x86-64 only)") from None
    vectors, side = data()
    plain = {name: seconds(make, vectors, side) for name, make in estimators().items()}
    patch_sklearn(verbose=False)
    print(f"{'fit':20}{'plain s':>10}{'intelex s':>11}{'ratio':>8}  replaced")
    for name, make in estimators().items():
        replaced = type(make()).__module__.startswith(("sklearnex", "daal4py", "onedal"))
        faster = seconds(make, vectors, side)
        ratio = plain[name] / faster
        print(f"{name:20}{plain[name]:10.3f}{faster:11.3f}{ratio:8.2f}  {replaced}")
    unpatch_sklearn()


if __name__ == "__main__":
    main()
