# The two commands a newcomer needs are `make demo` and `make test`. `make` alone lists all of them.
SHELL := /bin/bash
.SHELLFLAGS := -Eeuo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help:  ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: .venv/.embedded  ## make the virtual environment with what the embedded stack needs

.PHONY: demo
demo: .venv/.embedded  ## run everything on sample data and serve it (ONCE=1: exit after the summary)
	@"$(BIN)/cronhouse" demo $(if $(ONCE),--once)

.PHONY: test
test: .venv/.dev  ## run all tests on real PostgreSQL and Redis (ARGS="-k name" for some)
	@scripts/install_test_tools.sh
	@"$(BIN)/python" -m pytest $(ARGS)

.PHONY: lint
lint: .venv/.dev  ## ruff, mypy on shared/, shellcheck, Compose and SQL files
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/mypy"
	@git ls-files -z '*.sh' .ci/run | xargs -0 "$(BIN)/shellcheck"

.PHONY: fmt
fmt: .venv/.dev  ## put the code into its format
	@"$(BIN)/ruff" check --fix . && "$(BIN)/ruff" format .

.PHONY: test-compose
test-compose: .venv/.dev  ## bring the Compose stack up and test it (needs a Docker engine, or root on Debian)
	@tests/compose/run.sh

.PHONY: bench
bench: .venv/.dev  ## run every benchmark (some take minutes)
	@for file in star_load quality daily vpic_load vin api archive_import parks_yoy parks_quality live_cycle; do "$(BIN)/python" "bench/$$file.py"; done

.PHONY: up
up:  ## docker compose up, with made-up secrets where none are set
	@$(PYTHON) scripts/generate_env.py
	@docker compose up --build --detach --wait

.PHONY: down
down:  ## docker compose down; data stays
	@docker compose down

.PHONY: docs
docs: .venv/.dev  ## write docs/data-model.md and docs/cli.md anew
	@"$(BIN)/python" scripts/generate_data_model.py
	@"$(BIN)/python" scripts/generate_cli_reference.py

.PHONY: psql
psql: .venv/.embedded  ## open psql on the embedded warehouse (it must be up: cronhouse local up)
	@"$(BIN)/python" -m shared.local.psql

.PHONY: lock
lock:  ## resolve requirements/*.in again into locked files
	@scripts/lock_requirements.sh

.PHONY: clean
clean:  ## stop the embedded stack and remove every trace: .venv, .local, caches
	@if [ -x "$(BIN)/cronhouse" ]; then "$(BIN)/cronhouse" local reset >/dev/null || true; fi
	@rm -rf .local .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.embedded: requirements/embedded.txt pyproject.toml
	@PYTHON="$(PYTHON)" scripts/make_venv.sh embedded

.venv/.dev: requirements/dev.txt pyproject.toml
	@PYTHON="$(PYTHON)" scripts/make_venv.sh dev
