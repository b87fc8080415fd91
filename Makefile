# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The contract between this file and the tests:
#   * Tests import the collection as ansible_collections.aritma.iam.* and the simulator as `simulator` (tests/ is on
#     pytest's import path, see pyproject.toml).
#   * ANSIBLE_VENV is the environment whose bin/ansible-playbook the integration tests run: .build/venv, or that of another
#     core. Without it, tests that are started by hand use sys.prefix.
#   * `integration` runs tests/integration without the tests marked `torture`, `programs` or `matrix`. `matrix` runs the
#     tests marked `matrix` for every core in MATRIX.
#   * `make test` takes the quick part of some targets: ansible-lint for roles and playbooks, sanity without `import` and
#     without what other linters check, the oldest core beside the main one, one molecule scenario. The hosted CI runs all.
#   * Targets do not see ANSIBLE_* and ARITMA_* variables of the caller.
#
# Variables: ARGS (more options for the tool), CORES (for `sanity`: main or 2.18 2.19 ...), MATRIX (for `matrix`),
# WORKERS (processes of pytest), SCENARIOS (of molecule), EXAMPLES (of `fuzz`), SANITY (options of ansible-test sanity),
# LINTED (what ansible-lint reads), VERSION (of `release`), PYTHON (3.11 or newer).

PYTHON ?= python3
CORES ?= main
MATRIX ?= 2.18 2.21
# Two more than there are cores, because many tests wait.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 2)
ARGS ?=
SCENARIOS ?=
EXAMPLES ?= 2000

ROOT := $(CURDIR)
VENV := $(ROOT)/.build/venv
PYTEST = "$(VENV)/bin/python" -m pytest -n $(WORKERS) --dist worksteal

unexport $(filter ANSIBLE_% ARITMA_%,$(.VARIABLES))
# Without bytecode files, Ansible takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
export PATH := $(VENV)/bin:$(PATH)
export ANSIBLE_VENV := $(VENV)
export ANSIBLE_HOME := $(ROOT)/.build/ansible
export ANSIBLE_NOCOWS := 1
export HYPOTHESIS_STORAGE_DIRECTORY := $(ROOT)/.build/hypothesis

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint format typecheck sanity unit integration matrix molecule bench torture mutants docs \
	build importer release nox lock clean python targets ansible-units fuzz coverage lowest programs driven

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " \
		+ sys.version.split()[0] + "; name another with make PYTHON=...")'

programs: python ## install the programs that some tests need (Chromium, chromedriver, Java) with apt, if allowed
	@$(PYTHON) scripts/programs.py

venv: python ## create the main environment, .build/venv
	@$(PYTHON) scripts/environment.py main

demo: python ## provision a client, rotate its secret under load, and count the failures
	@$(PYTHON) scripts/environment.py demo
	@scripts/demo

test: venv ## lint, typecheck, sanity, unit, integration, matrix, molecule
	@SCENARIOS="$(or $(SCENARIOS),default)" LINTED="roles playbooks" MATRIX=2.18 \
		SANITY="--python 3.11 --exclude tests/ $(addprefix --skip-test ,changelog import pep8 pylint yamllint)" \
		$(PYTHON) scripts/suite.py --background lint typecheck sanity -- unit integration matrix molecule

lint: venv ## ruff, yamllint, ansible-lint, antsibull-docs, antsibull-changelog, prose, REUSE, antsibull-nox
	@scripts/lint

format: venv ## format the Python files
	@ruff check --quiet --fix-only .
	@ruff format .

typecheck: venv ## mypy, strict
	@mypy

sanity: python ## ansible-test sanity; CORES="2.18 2.19 2.20 2.21" for all
	@$(PYTHON) scripts/sanity.py $(patsubst 2.%,core-2.%,$(CORES)) -- $(SANITY) $(ARGS)

targets: python ## ansible-test integration against the simulator and OpenBao; CORES as for sanity, ARGS="oidc_client"
	@$(PYTHON) scripts/targets.py $(patsubst 2.%,core-2.%,$(CORES)) -- $(ARGS)

ansible-units: python ## ansible-test units; CORES as for sanity, ARGS="tests/unit/http/"
	@$(PYTHON) scripts/units.py $(patsubst 2.%,core-2.%,$(CORES)) -- $(ARGS)

unit: venv ## unit tests; ARGS="tests/unit/api" selects some
	@$(PYTEST) $(if $(findstring tests/unit/,$(ARGS)),,tests/unit) -m 'not torture' $(ARGS)

integration: venv ## playbooks and modules against the simulator over HTTP, without the tests of `make matrix`
	@$(PYTEST) $(if $(findstring tests/integration/,$(ARGS)),,tests/integration) -m 'not torture and not programs and not matrix' $(ARGS)

driven: venv programs ## tests with Chromium, ansible-rulebook (Java) and an OpenID provider (Node, if installed)
	@$(PYTEST) tests/integration -m 'programs and not torture' $(ARGS)

matrix: venv ## the integration tests marked `matrix` for each core in MATRIX
	@$(PYTHON) scripts/matrix.py $(MATRIX) -- -n $(WORKERS) $(ARGS)

molecule: venv ## molecule scenarios, default driver; SCENARIOS="default target" selects some
	@molecule test $(if $(SCENARIOS),$(addprefix -s ,$(SCENARIOS)),--all) $(ARGS)

bench: venv ## compare with a playbook of ansible.builtin.uri tasks, and with an empty one
	@PYTHONPATH=tests "$(VENV)/bin/python" -m benchmark $(ARGS)

torture: venv programs ## every kill point, large fleets, rare settings (long)
	@$(PYTEST) tests -m torture $(ARGS)

fuzz: venv ## random input for every parser and for the simulator, EXAMPLES (2000) each (long)
	@FUZZ_EXAMPLES=$(EXAMPLES) $(PYTEST) --timeout 3600 tests/unit/fuzz $(ARGS)

coverage: venv programs ## lines and branches of plugins/ that unit and integration tests reach
	@$(PYTHON) scripts/measure.py -- -n $(WORKERS) $(or $(ARGS),tests/unit tests/integration -m 'not torture')

lowest: python ## unit tests of HTTP and stores with the oldest supported libraries
	@$(PYTHON) scripts/lowest.py -n $(WORKERS) $(ARGS)

mutants: venv ## mutation tests of planner, guards and reconcile functions (long)
	@PYTHONPATH=tests "$(VENV)/bin/python" -m mutants $(ARGS)

docs: python ## build the documentation site, in .build/site/html
	@$(PYTHON) scripts/environment.py docs
	@scripts/docs

build: venv ## build the tarball of the collection, in .build/dist
	@rm -rf .build/dist
	@ansible-galaxy collection build --force --output-path .build/dist .

importer: build ## check the tarball with galaxy-importer
	@$(PYTHON) scripts/environment.py importer
	@cd .build/dist && PATH="$(ROOT)/.build/importer/bin:$$PATH" python -m galaxy_importer.main aritma-iam-*.tar.gz

release: venv ## prepare a release: changelog, version, tarball, importer, checksum, commit; VERSION=0.2.0
	@"$(VENV)/bin/python" scripts/release.py $(VERSION) $(ARGS)

nox: venv ## antsibull-nox; ARGS="-l" lists its sessions, ARGS="-e lint" runs one
	@nox $(ARGS)

lock: python ## pin newer versions in requirements/*.txt
	@$(PYTHON) scripts/environment.py --lock

clean: ## remove everything that these targets create
	@rm -rf .build .ansible collections tests/output
