# Everything a fresh machine needs: `make demo` and `make test` set themselves up.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: setup demo test package clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements/py311.txt pyproject.toml
	$(PYTHON) -c "import sys; assert sys.version_info[:2] == (3, 11), 'Python 3.11 is needed: make PYTHON=/path/to/python3.11'"
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet -r requirements/py311.txt
	$(PY) -m pip install --quiet --no-deps --editable .
	touch $@
