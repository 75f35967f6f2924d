"""The packages' shape: imports go one way, few public names, small documented modules."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "property_cnn": set(),
    "reports": set(),
    "stylegan_ft": {"property_cnn"},
    "vectorfind": {"property_cnn", "reports", "stylegan_ft"},
}
MODULES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path):
    """The top packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_documented_and_imports_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    siblings = set(imported(path)) & (ALLOWED.keys() - {package})
    assert siblings <= ALLOWED[package]
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 330
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_has_a_handful_of_public_names(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert len(names) <= 8
    for name in names:
        assert getattr(module, name) is not None


def test_importing_vectorfind_loads_no_torch():
    code = "import sys, vectorfind, vectorfind.methods.svm; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
