# `make demo` and `make test` do all of their own set-up; see README.md.
VENV ?= .venv
DOCS_VENV ?= .venv-docs
PRESET ?= mini
SEED ?= 0
SEEDS ?= 1
STUDY ?= configs/studies/small.py
JOBS ?= 2
WORK_DIR ?= work_dirs/demo
CFG_OPTIONS ?=
DEMO_OPTIONS = $(if $(CFG_OPTIONS),--cfg-options $(CFG_OPTIONS))
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
DOCS_STAMP := $(DOCS_VENV)/.installed
export PYTHONPATH := $(CURDIR)$(if $(PYTHONPATH),:$(PYTHONPATH))
# Threads that wait for work sleep: spinning ones are ten times slower as soon as anything else runs on the cores.
export OMP_WAIT_POLICY ?= passive

.DEFAULT_GOAL := help
.PHONY: help install demo demo-depth study test lint bench docs clean

help:  ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## Create .venv with the pinned packages (does nothing when it is up to date).

$(STAMP): requirements.txt setup.py tools/install.sh $(wildcard tools/mmcv_wheel/*)
	bash tools/install.sh $(VENV)

demo: $(STAMP)  ## Train teacher, student and distilled student on MiniDrive; write report.html. PRESET=mini|tiny, SEED=0, CFG_OPTIONS="KEY=VALUE ...".
	$(PYTHON) tools/demo.py --preset $(PRESET) --seed $(SEED) --work-dir $(WORK_DIR) $(DEMO_OPTIONS)

demo-depth: $(STAMP)  ## Train stereo teacher, control, student and ADU-Depth student on MiniDrive; write report.html. SEEDS=1.
	$(PYTHON) tools/demo_depth.py --preset $(PRESET) --seed $(SEED) --seeds $(SEEDS) --work-dir \
		$(if $(filter file,$(origin WORK_DIR)),work_dirs/demo_depth,$(WORK_DIR)) $(DEMO_OPTIONS)

study: $(STAMP)  ## Train all arms of a study with all seeds; write study.html. STUDY=..., JOBS=2.
	$(PYTHON) tools/analysis_tools/study.py $(STUDY) --jobs $(JOBS) --work-dir \
		$(if $(filter file,$(origin WORK_DIR)),work_dirs/study_$(basename $(notdir $(STUDY))),$(WORK_DIR))

test: $(STAMP)  ## Run the test suite on the CPU.
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n 2 --dist loadfile tests

lint: $(STAMP)  ## Check style, spelling and types.
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m codespell_lib
	$(PYTHON) -m mypy

bench: $(STAMP)  ## Time our kernels beside the peers' algorithms. OPS="pool render ..." (default: all).
	$(PYTHON) tools/analysis_tools/benchmark_ops.py $(OPS) --quick

docs: $(DOCS_STAMP)  ## Build the site of docs/ and the docstrings: site/index.html. A broken link or anchor is an error.
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict

$(DOCS_STAMP): requirements-docs.txt
	python3 -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install -q --no-deps -r requirements-docs.txt
	touch $@

clean:  ## Remove caches and build files; keeps .venv, data and work_dirs.
	rm -rf build site *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find projects tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
