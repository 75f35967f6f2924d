"""Values that no command takes: refused in one line, with what is allowed, before any work."""

import pytest
from click.testing import CliRunner

from vectorfind.cli import main

SEEDED = {
    "test": [],
    "curve": [],
    "find": [],
    "sample": [],
    "evaluate": ["d.npz"],
    "edit": ["d.npz", "--eyes", "1"],
    "invert": ["p.png"],
    "bench": [],
    "hair teacher": [],
    "hair distill": [],
    "hair compare": [],
    "finetune": ["--variant", "v9", "--base", "base", "--images", "faces"],
    "finetune plain": [],
    "finetune faces": [],
    "finetune classifiers": [],
    "finetune filter": [],
    "finetune report": ["run"],
}
"""Commands with a seed, and what else they need."""


def refused(command, *words, out="out"):
    given = [*command.split(), *SEEDED.get(command, []), *map(str, words), "--out", out]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 2, result.output
    [line] = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", SEEDED)
@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_has_one_range_everywhere(command, seed, tmp_path):
    line = refused(command, "--seed", seed, out=tmp_path / "out")
    assert line == f"Error: seed is {seed}; give a whole number from 0 to 4,294,967,295"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        ("sample", ["-n", "1000000M"], "n is 1000000000000; give a whole number from 1 to 10,"),
        ("sample", ["-n", "9" * 20], "n is 99999999999999999999; give"),
        ("sample", ["-n", "9" * 6000], "is no whole number"),
        ("test", ["--cases", str(2**63)], "cases is 9223372036854775808; give"),
        ("evaluate", ["--cases", "2M"], "cases is 2000000; give"),
        ("finetune faces", ["--side", "100000"], "size is 100000; give a whole number from 16 to"),
        ("finetune filter", ["-n", "1000M"], "n is 1000000000; give"),
        ("finetune classifiers", ["-n", "2M"], "faces is 2000000; give"),
        ("hair teacher", ["-n", "1000M"], "faces is 1000000000; give"),
        ("hair distill", ["--rendered", "1000M"], "rendered is 1000000000; give"),
        ("hair distill", ["--side", "100000"], "side is 100000; give"),
        ("edit", ["-n", "1M"], "count is 1000000; give a whole number from 1 to 10,000"),
        ("edit", ["--animate", "a.gif", "--frames", "100K"], "frames is 100000; give"),
        ("edit", ["--animate", "a.gif", "--rate", "1e-9"], "rate is 1e-09; give a number from"),
        ("invert", ["--steps", "1"], "steps is 1; give a whole number from 2 to"),
        ("invert", ["--face", "0"], "face is 0; give a whole number from 1 to 32"),
        ("edit", ["--eyes", "nan"], "strength of eyes is nan; give a number from -1000 to 1000"),
        ("edit", ["--eyes", "1e38"], "strength of eyes is 1e+38; give"),
        ("edit", ["--set", "eyes=2"], "a strength stands twice in eyes, eyes"),
        ("edit", ["--animate", "a.gif", "--sweep", "eyes=0:1", "--sweep", "eyes=0:2"], "twice"),
        ("test", ["--trunc-layers", "2"], "trunc_layers is 2, but psi is 1"),
        ("curve", ["--methods", "svm,svm"], "a method stands twice in svm, svm"),
        ("sample", ["--device", "meta"], "device 'meta' cannot be used here"),
    ],
)
def test_what_cannot_be_is_foreseen(command, words, said, tmp_path):
    assert said in refused(command, *words, out=tmp_path / "out")
