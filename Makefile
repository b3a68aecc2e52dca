# `make` alone tells what can be made. Nothing but Python 3.11 or newer is needed; everything else comes from the package
# registries into .venv.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
RECIPE := pyproject.toml hatch_build.py package.json package-lock.json
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python
VENDOR := src/ruimte/web/static/vendor
comma := ,
NODE := demo,mqtt,broker,archive,forecast,report,share,otel,tracks

# pip tells little, and of what is large that it is being fetched; errors it tells in full. Of all modules only those
# that the node uses are compiled (pyarrow uses pandas where it finds it): all of them would take a third of the time of an install.
SHOW := { grep --line-buffered -oE '^ *(Downloading .*[0-9]{2,}\.[0-9] MB\)|Installing collected packages)' || true; }
define install
	@echo 'Installing Ruimte and what it needs into .venv ($(1)) …'
	@$(BIN)/python -m pip install --no-compile --disable-pip-version-check --no-input --progress-bar off -e '.[$(1)]' | $(SHOW)
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c 'import babel.dates, pandas, pyarrow.csv, ruimte.cli, ruimte.node'
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/ruimte check auckland >/dev/null
endef

.PHONY: help
help: ## this text
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: install ## the control room on real counts; flags: make demo ARGS="--port 0 --speed 1200"
	@$(BIN)/ruimte demo $(ARGS)

.PHONY: test
test: .venv/.dev lint ## everything that is checked: lint, types, walls, tests; flags: make test ARGS="-k forecast"
	$(BIN)/pytest $(ARGS)

.PHONY: install
install: .venv/.demo ## .venv with the node and the demo's data

.PHONY: lint
lint: .venv/.dev ## style, types, and the walls between the parts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: docs
docs: .venv/.docs ## the documentation as a site, in site/
	$(BIN)/python docs/make_cli.py
	$(BIN)/mkdocs build --strict

.PHONY: bench
bench: $(patsubst benchmarks/%.py,bench-%,$(wildcard benchmarks/[a-z]*.py)) ## all benchmarks

bench-estimate bench-forecast bench-tracks: .venv/.peers
.PRECIOUS: benchmarks/%.py
bench-%: benchmarks/%.py .venv/.dev ## one benchmark: make bench-main
	$(BIN)/python -m benchmarks.$* $(ARGS)

.PHONY: fuzz
fuzz: .venv/.dev ## a hundred thousand requests and payloads, other ones each time (make test runs 5,000)
	RUIMTE_FUZZ=$${RUIMTE_FUZZ:-100000} RUIMTE_FUZZ_SEED=$${RUIMTE_FUZZ_SEED:-$$(date +%s)} $(BIN)/pytest tests/fuzz $(ARGS)

.PHONY: faults
faults: .venv/.dev ## kill -9 under load, twenty times (make test: three), and what else is broken on purpose
	RUIMTE_KILLS=$${RUIMTE_KILLS:-20} $(BIN)/pytest tests/faults $(ARGS)

.PHONY: clean
clean: ## back to a fresh checkout
	rm -rf .venv $(VENDOR) node_modules build dist site benchmarks/out
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is as new as the recipe that it was installed from, so that a second call has nothing to do.
.venv/.demo: .venv/.made $(RECIPE)
	$(call install,$(NODE))
	@touch $@

.venv/.dev: .venv/.made $(RECIPE)
	$(call install,$(NODE)$(comma)dev)
	@touch .venv/.demo $@

.venv/.docs: .venv/.dev
	$(call install,$(NODE)$(comma)dev$(comma)docs)
	@touch $@

.venv/.peers: .venv/.dev
	$(call install,$(NODE)$(comma)dev$(comma)peers)
	@touch $@

.venv/.made:
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" -m venv .venv || { echo 'ruimte: no venv could be made; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }; \
	    touch $@; exit 0; \
	  fi; \
	done; \
	echo 'ruimte: no Python 3.11 or newer found; install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3' >&2; exit 1
