# Two commands for everyone: `make demo` and `make test`. Each makes its own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Apache Kafka for the tests that need it: your own by KAFKA_HOME, else the one beside this folder, if any.
KAFKA_HOME ?= $(wildcard ../shared/kafka)
export KAFKA_HOME

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types imports schemas dashboards clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

$(VENV)/.serve: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[embedded]'
	@touch $@

# constraints.txt holds torch at a version that is known to work, which also keeps its download small.
$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@ $(VENV)/.serve

demo: $(VENV)/.serve ## watch an invented trading day being scored, on an embedded broker
	$(BIN)/newstide demo

test: $(VENV)/.dev ## run the tests, and show what they cover
	$(BIN)/coverage erase
	@# Three at once also on two cores: tests of brokers mostly wait.
	$(BIN)/pytest --cov --cov-report=term --numprocesses 3 --dist worksteal

check: lint types imports test ## format, lint, types, import contracts, tests, coverage

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --select I .

lint: $(VENV)/.dev ## what the linter says
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## what the type checker says
	$(BIN)/mypy

imports: $(VENV)/.dev ## who may know whom
	$(BIN)/lint-imports

schemas: $(VENV)/.dev ## write the JSON Schemas of the records
	$(BIN)/python -c "from pathlib import Path; from stream.contracts import write_schemas; write_schemas(Path('stream/schemas'))"

dashboards: $(VENV)/.dev ## write the Grafana dashboard
	$(BIN)/python deploy/grafana/build.py

clean: ## remove what the tools made
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov build dist
