# Two commands do all the set-up: `make demo` and `make test`. The environment is .venv, here.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test lint format models clean

$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/vectorfind test -n 4000 --cases 36 --layer mapping_split2 --method svm --out demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

# From nothing, in order; each step resumes where it was stopped and is skipped when up to date.
models: $(STAMP)
	$(BIN)/vectorfind models --out runs/models

clean:
	rm -rf .venv demo build *.egg-info
