# Every target makes what it needs: the first one creates .venv and installs into it.
PYTHON ?= python3
BIN = .venv/bin
SEAM = setup.py settings.ini pyproject.toml litsock/native_build.py litsock/hot_build.py litsock/constant_names.py

.DEFAULT_GOAL = help
.PHONY: help run test lab export check bench hooks clean

help:  ## this list
	@echo "litsock: the socket module, written as a book"; echo
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s%s\n", $$1, $$2}'

run: .venv/run  ## see the echo programs talk to each other over real connections
	@$(BIN)/python -m litsock.examples demo

test: .venv/dev  ## run the book again and all tests beside it
	@$(BIN)/pytest

lab: .venv/lab  ## read and change the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=nbs nbs/index.ipynb

export: .venv/dev  ## write the package and the README anew from the notebooks
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export
	$(BIN)/python tools/generate.py
	@echo "The package and the README are what the notebooks say."

check: .venv/dev  ## see that package, README, types and notebooks are in step
	@$(BIN)/python tools/check.py

bench: .venv/dev  ## compare with the standard module's speed; CASE=name for one case
	@$(BIN)/python -m bench $(CASE)

hooks: .venv/dev  ## let git clean and merge notebooks cell by cell
	$(BIN)/nbdev_install_hooks

clean:  ## remove everything that was made, .venv too
	rm -rf .venv build dist *.egg-info litsock/*.so litsock/_native.c _docs _proc
	find . -name __pycache__ -o -name .ipynb_checkpoints -o -name .pytest_cache -o -name .mypy_cache | xargs rm -rf

.venv/bin/python:
	@echo "Creating .venv"
	@$(PYTHON) -m venv .venv

# The seam is compiled again whenever its C text or the list of constants has changed.
.venv/run: .venv/bin/python $(SEAM)
	@echo "Building litsock (once, and whenever the C seam changes)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/run
	@echo "Installing what working on the book needs (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.venv/lab: .venv/dev
	@echo "Installing JupyterLab (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[lab]'
	@touch $@
