# Everything that can be done with litsock. Each target first makes what it needs in .venv: the first time takes a
# minute or two, from then on nothing is done twice. A C compiler, make and Python with its headers are all it needs.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Tests of everything run side by side, a file here, another there: in one process more than there are cores, because they wait a lot.
# What ARGS names runs in a single process, which starts at once.
SIDE_BY_SIDE := --numprocesses=$(shell expr $$(nproc) + 1) --no-loadscope-reorder --dist

# When one of these changes, the C is compiled anew.
BUILD := setup.py tools/building.py settings.ini pyproject.toml $(addprefix litsock/,kernel/contract.py kernel/bindings.py kernel/c_calls.py kernel/c_socket.py constant_names.py)

.DEFAULT_GOAL := help
.PHONY: help run test test-suites test-families test-windows test-lab docs browser-book docs-serve docs-test lab export check bench sanitize sdist wheels test-anywhere hooks clean

help: ## say what can be done (the same as plain make)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run ## see servers and clients of the examples talk to each other
	@echo "== python -m litsock.examples demo"
	@$(BIN)/python -m litsock.examples demo

test: .venv/dev ## run every page of the book and every test (ten minutes; one page: make test ARGS=nbs/00_core.ipynb)
	@echo "== pytest --nbval $(or $(ARGS),nbs tests)"
	@$(BIN)/pytest $(or $(ARGS),$(SIDE_BY_SIDE)=loadfile --junitxml=build/test.xml)

test-suites: .venv/dev ## run other packages' test suites, with the standard module and with litsock (one of them: ARGS=trio)
	@echo "== python tools/suites $(ARGS)"
	@$(BIN)/python tools/suites $(ARGS)

test-families: .venv/dev ## run the pages on address families in a virtual machine whose kernel has them all (twenty minutes)
	@echo "== python tools/vm test"
	@$(BIN)/python tools/vm test

test-windows: .venv/dev ## run litsock and CPython's own tests on Windows' Python, under Wine (Debian: wine, wine64, osslsigncode)
	@echo "== python tools/windows $(ARGS)"
	@$(BIN)/python tools/windows $(ARGS)

test-lab: .venv/lab ## run every page in JupyterLab, in a real browser, and photograph it into build/screens (Debian: chromium)
	@echo "== pytest tools/jupyter"
	@$(BIN)/pytest -p no:cacheprovider $(or $(ARGS),$(SIDE_BY_SIDE)=load tools/jupyter)

lab: .venv/lab ## read, run and edit the book in JupyterLab
	@echo "== JupyterLab, on this machine only; stop it with Ctrl-C"
	@JUPYTER_CONFIG_PATH=tools/jupyter $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/nbs/index.ipynb $(ARGS)

export: .venv/dev ## tidy the notebooks, and write the package and README.md from them
	@echo "== notebooks to litsock/ and README.md"
	@$(BIN)/python tools/export.py

docs: .venv/docs ## build the site into _docs/
	@echo "== python docs"
	@$(BIN)/python docs

browser-book: .venv/docs ## build the pages that run in a browser, into _docs/run/ (a part of make docs; wants npm)
	@echo "== python docs/browser_book.py"
	@$(BIN)/python docs/browser_book.py

docs-serve: docs ## show the site on this machine; stop it with Ctrl-C
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _docs 8000

docs-test: docs ## see the site in a real browser (Debian: chromium)
	@$(BIN)/pytest -q -p no:cacheprovider docs/test_site.py
	@$(BIN)/pytest -q -p no:cacheprovider docs/test_browser.py

check: .venv/dev ## see that package, README, types and notebooks are in step, and the C free of warnings
	@$(BIN)/python tools/check.py

sdist: .venv/dev ## make the source distribution, into dist/
	@echo "== python -m build --sdist"
	@$(BIN)/python -m build --sdist --quiet .

wheels: sdist .venv/wheels ## make wheels for the Linuxes of the last years, into dist/, and look them over (ten minutes)
	@echo "== python tools/wheels.py"
	@$(BIN)/python tools/wheels.py $(ARGS)

test-anywhere: ## install and test on bare Debians, with every Python there is (root; hours; one of them: ARGS='bookworm')
	@echo "== python tools/anywhere $(ARGS)"
	@$(PYTHON) tools/anywhere $(ARGS)

bench: .venv/dev ## measure against the standard module (one case of it: make bench CASE=connect)
	@echo "== python -m bench $(CASE) $(ARGS)"
	@$(BIN)/python -m bench $(CASE) $(ARGS)

sanitize: .venv/dev ## run tests with the C watched by the address and undefined-behaviour sanitisers (some of them: ARGS=…)
	@echo "== python tools/sanitize.py $(ARGS)"
	@$(BIN)/python tools/sanitize.py $(ARGS)

hooks: .venv/dev ## have git show and merge notebooks cell by cell, in this clone
	@git config --local include.path ../.gitconfig
	@echo "git diff shows notebooks as text, git merge works cell by cell (undo: git config --local --unset include.path)"

clean: ## remove everything that can be made again, .venv too
	@echo "== removing .venv, builds and caches"
	@rm -rf .venv build dist *.egg-info litsock/kernel/*.so _docs _proc jupyter_execute .pytest_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# The stamps: .venv/run says that litsock alone is installed, .venv/dev all for working on it, .venv/lab JupyterLab too.
# They stand apart, so that whoever only wants to see litsock run installs nothing else. pip is quiet, so a line says how long.

.venv/bin/pip:
	@$(PYTHON) tools/building.py
	@echo "== making .venv with $(PYTHON)"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/run: $(BUILD) | .venv/bin/pip
	@echo "== compiling litsock's C and installing litsock in .venv (half a minute)"
	@rm -f litsock/kernel/*.so
	@$(PIP) --editable .
	@touch $@

.venv/dev: $(BUILD) | .venv/bin/pip
	@echo "== compiling litsock's C and installing litsock in .venv, with all that working on it takes (one to five minutes)"
	@rm -f litsock/kernel/*.so
	@$(PIP) --editable '.[dev]'
	@touch .venv/run $@

.venv/lab: .venv/dev
	@echo "== installing JupyterLab in .venv (a minute)"
	@$(PIP) --editable '.[lab]'
	@touch .venv/run .venv/dev $@

.venv/docs: .venv/dev
	@echo "== installing Sphinx in .venv (a minute)"
	@$(PIP) --editable '.[docs]'
	@touch .venv/run .venv/dev $@

.venv/wheels: settings.ini | .venv/bin/pip
	@echo "== installing what makes wheels in .venv: a C compiler for every Linux, 100 MB (two minutes)"
	@$(PIP) $$($(PYTHON) tools/wheels.py --needs)
	@touch $@
