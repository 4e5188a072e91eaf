# `make run` and `make test` are the two commands; `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed-$(shell cksum < requirements.lock | tr ' ' '-')

RECORDINGS ?= ../shared/recordings
OUT        ?= sbom.json
PLAN       ?= ../shared/tools/plan.json

KUBERNETES := 1.34
MANIFESTS  := $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml))

# Nothing reports home.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DVC_NO_ANALYTICS := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export STREAMLIT_BROWSER_GATHER_USAGE_STATS := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifdef UPSTREAM
export SKYDUCK_UPSTREAM := $(UPSTREAM)
endif

.DEFAULT_GOAL := help
.PHONY: help install run test lint unit scoreboard bench soak docs contract api dashboard serve build up audit sbom clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(STAMP)  ## One day, offline: load, build, train, forecast, publish (UPSTREAM=live for the real APIs, ARGS=… for more)
	@$(PY) -m flows run $(ARGS)

test: lint unit  ## Everything that CI checks

lint: $(STAMP)  ## Style, types, import rules, SQL, workflows, images, manifests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/zizmor --offline --no-progress .github/workflows
	$(VENV)/bin/hadolint Dockerfile
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(VENV)/bin/kubernetes-validate --strict --quiet --kubernetes-version $(KUBERNETES) $(MANIFESTS)

unit: $(STAMP)  ## The tests (ARGS=… for pytest)
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

scoreboard: $(STAMP)  ## Score the product on recordings (RECORDINGS=dir PLAN=file BARS=file)
	@$(PY) -m flows scoreboard --recordings $(RECORDINGS) --plan $(PLAN) $(if $(BARS),--bars $(BARS))

bench: $(STAMP)  ## Side-by-side measurements
	@$(PY) -m bench $(ARGS)

soak: $(STAMP)  ## Kill runs at every point and at random, and a worker under its schedule; replay half a year with faults (SOAK_KILLS=n SOAK_SEEDS=1,2 ARGS=… for pytest)
	$(PY) -m pytest -m soak -n 2 --dist loadfile tests/faults/test_soak.py tests/faults/test_replay.py tests/faults/test_schedule.py tests/faults/test_read_only.py $(ARGS)

docs: $(STAMP)  ## The documentation of every table, and how tests, data and forecasts stand, under .data/docs
	@$(PY) -m flows docs $(if $(PAGES),--out $(PAGES)) $(ARGS)

contract: $(STAMP)  ## docs/contract.md anew, from the descriptions and tests of dbt
	@$(PY) -m flows.contract

api: $(STAMP)  ## The REST API on the published copy, port 8000 (ARGS=… for --host and --port)
	@$(PY) -m api $(ARGS)

dashboard: $(STAMP)  ## The dashboard on the published copy, port 8501
	@$(PY) -m streamlit run dashboard/app.py $(ARGS)

serve: $(STAMP)  ## The REST API and the dashboard, until Ctrl-C
	@trap 'kill 0' EXIT; $(PY) -m api & $(PY) -m streamlit run dashboard/app.py & wait

audit: $(STAMP)  ## Known vulnerabilities of the lock; asks PyPI, and fails for a package it cannot judge
	$(VENV)/bin/pip-audit --strict --requirement requirements.lock --no-deps --disable-pip --progress-spinner off

sbom: $(STAMP)  ## What a release is made of, as CycloneDX JSON (OUT=file)
	$(VENV)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o $(OUT)

build:  ## The images skyduck-flow, skyduck-api and skyduck-dashboard (needs Docker with Compose; no Python)
	docker compose build --build-arg GIT_SHA=$(shell git rev-parse HEAD 2>/dev/null) set-up api dashboard

up:  ## Prefect, worker, API, dashboard, Prometheus and Grafana on this machine (docs/hosting.md)
	docker compose up --detach
	@echo "dashboard http://127.0.0.1:8501 · API :8000 · Prefect :4200 · Prometheus :9090 · Grafana :3000"
	@echo "The first day, now: docker compose exec worker prefect deployment run skyduck-daily/daily"

clean:  ## Remove caches and build products; data (.data) and packages (.venv) stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dbt_project/target dbt_project/logs logs
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

install: $(STAMP)  ## Create .venv and install the lock, once

$(STAMP): requirements.lock
	@.ci/install $(VENV) $(PYTHON)
	@rm -f $(VENV)/.installed-* && touch $@
