# Every command sets up what it needs; nothing is installed by hand.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PLUMBLINE_HOME ?= $(CURDIR)/var

.PHONY: run test test-fast check fix bench chaos screenshots clean

run: $(VENV)/run.stamp
	@exec $(BIN)/python manage.py up --port $(PORT)

test: $(VENV)/dev.stamp chromium
	@unset PLUMBLINE_HOME; $(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: $(VENV)/dev.stamp
	@unset PLUMBLINE_HOME; HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -n 2 --dist worksteal -m "not services and not browser and not chaos and not simulation"

check: $(VENV)/dev.stamp
	@unset PLUMBLINE_HOME; BIN=$(BIN) sh scripts/check.sh

fix: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')

bench: $(VENV)/dev.stamp
	@unset PLUMBLINE_HOME; $(BIN)/python -m benchmarks $(if $(QUICK),--quick)

SEED ?= 1
chaos: $(VENV)/dev.stamp
	@unset PLUMBLINE_HOME; $(BIN)/python -m tests.chaos --seed $(SEED)

screenshots: $(VENV)/dev.stamp chromium
	@unset PLUMBLINE_HOME; $(BIN)/python -m scripts.screenshots $(FOLDER) $(if $(ONLY),--only $(ONLY))

.PHONY: environment
environment: $(VENV)/run.stamp

$(VENV)/run.stamp: requirements.txt
	@sh scripts/venv.sh $(PYTHON) $(VENV) requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt
	@sh scripts/venv.sh $(PYTHON) $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

.PHONY: chromium
chromium:
	@sh scripts/chromium.sh

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
