# The two commands: `make bench` compares the paths and prints the verdicts, `make test` checks everything. Both set up what they need.
.DEFAULT_GOAL := help
.PHONY: help setup bench results test lint types tests mirror coverage clean

PYTHON ?= python3
BIN := .venv/bin

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## make .venv with everything, pinned by constraints.txt

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=... to use another one")'
	@echo "setting up .venv (once, about a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

bench: setup ## compare the paths on embedded databases until their questions are answered; report in build/
	@$(BIN)/python -m benchmarks run --profile quick --output build/load.jsonl
	@$(BIN)/python -m benchmarks report build/load.jsonl --output build
	@$(BIN)/python -m benchmarks explore build/load.jsonl --output build/explorer.html --no-open

results: setup ## measure for two hours, then write benchmarks/results/ and RESULTS.md
	@$(BIN)/python -m benchmarks run --profile full --output benchmarks/results/load.jsonl
	@$(BIN)/python -m benchmarks micro --passes 20 --output benchmarks/results/micro.jsonl --report build/micro.md
	@$(BIN)/python -m benchmarks instructions --repeats 3 --output benchmarks/results/instructions.jsonl
	@$(BIN)/python -m benchmarks hazards --output benchmarks/results/hazards.jsonl
	@$(BIN)/python -m benchmarks proof
	@$(BIN)/python -m benchmarks report

test: lint ## lint, types, and the tests: the mirror is one of them
	@$(MAKE) --no-print-directory -j 2 types tests

# More processes than two cores: a third of the time a test waits for a server to start, or to be done. See
# tests/conftest.py for their order: the plugin's own would begin with the files that have most tests, and end with slow ones.
tests: setup
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist=loadfile

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: setup
	@$(BIN)/mypy

mirror: setup ## generate app_sync from app_async
	@$(BIN)/unasyncd --force --quiet || test $$? = 1  # 1: it has changed something

coverage: setup ## the tests with coverage, threads and greenlets included
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage report --skip-covered

clean: ## remove the environment and what was built
	rm -rf .venv build .mypy_cache .ruff_cache .coverage
