SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
EXPORT_BIN := .venv-export/bin
SUPPLY := build/supply
PROTOS := $(wildcard protos/clothing_retrieval/v1/*.proto)
PROMETHEUS := build/prometheus/usr/bin
PHOTOS ?=

.DEFAULT_GOAL := help

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-17s %s\n", $$1, $$2}'

setup: $(VENV)/.serving  ## Make .venv with all that serving needs
$(VENV)/.serving: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[cpu,storefront]'
	touch $@

$(VENV)/.dev: $(VENV)/.serving
	$(BIN)/python -m pip install --quiet --editable '.[cpu,dev]'
	touch $@

.venv-export/.export: pyproject.toml
	test -x $(EXPORT_BIN)/python || $(PYTHON) -m venv .venv-export
	$(EXPORT_BIN)/python -m pip install --quiet --editable '.[export,dev]'
	touch $@

demo: $(VENV)/.serving  ## Serve, import the sample boutique (or PHOTOS=folder), search it, save a page
	$(BIN)/clothing-retrieval demo $(if $(PHOTOS),--photos '$(PHOTOS)')

test: $(VENV)/.dev  ## Run the tests that need no torch
	$(BIN)/python -m pytest

test-wiring: $(VENV)/.dev  ## Run the compose file's services in network namespaces, scaled up and down (root)
	$(if $(filter 0,$(shell id -u)),unshare --net --mount --pid --fork --kill-child --mount-proc) $(BIN)/python -m pytest tests/wiring

test-endurance: $(VENV)/.dev  ## Restart, cut off, flood and fuzz the services for some minutes
	command -v faketime >/dev/null || test "$$(id -u)" != 0 || { apt-get update -qq && apt-get install -y -qq faketime; } >/dev/null
	$(BIN)/python -m pytest -s tests/endurance
	FUZZ_FACTOR=3 $(BIN)/python -m pytest -q -k fuzz tests/unit

faults-table: $(VENV)/.dev  ## Break things, and print what callers see (docs/operations.md)
	@set -o pipefail; $(BIN)/python -m pytest -q -s tests/faults tests/endurance | grep -E '^(\| |FAILED |ERROR |SKIPPED )'

test-export: .venv-export/.export  ## Run the tests of training and export (torch)
	$(EXPORT_BIN)/python -m pytest tests/export

test-storefront: $(VENV)/.dev build/node/node_modules/axe-core/axe.min.js  ## Test the shop's page in a browser, and its API
	@command -v chromium >/dev/null || $(MAKE) --no-print-directory chromium
	$(BIN)/python -m pytest tests/storefront

chromium:
	apt-get update -qq && apt-get install --yes -qq --no-install-recommends chromium fonts-inter fonts-noto-cjk >/dev/null

build/node/node_modules/axe-core/axe.min.js:
	npm install --silent --no-fund --no-audit --prefix build/node axe-core@4.14.1

storefront-images: $(VENV)/.dev  ## Draw a boutique, search it and save docs/images/storefront-*.png (needs chromium)
	$(BIN)/python -m tests.storefront.screenshots

lint: $(VENV)/.dev  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.gpu.yml

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev  ## Check types
	$(BIN)/mypy

check-monitoring: $(PROMETHEUS)/promtool  ## Check the configuration of Prometheus and test its rules
	$(PROMETHEUS)/promtool check config deploy/prometheus/prometheus.yml
	$(PROMETHEUS)/promtool check config deploy/prometheus/local.yml
	@# Debian's is built without Kubernetes: the rest is checked with pods from a file.
	sed 's/kubernetes_sd_configs/file_sd_configs/; s/role: pod/files: [pods.json]/' deploy/prometheus/kubernetes.yml >build/prometheus/kubernetes.yml
	$(PROMETHEUS)/promtool check config --syntax-only build/prometheus/kubernetes.yml
	$(PROMETHEUS)/promtool check rules --lint-fatal deploy/prometheus/rules.yml
	$(PROMETHEUS)/promtool test rules deploy/prometheus/rules_test.yml

test-monitoring: $(VENV)/.dev $(PROMETHEUS)/promtool  ## Let a real Prometheus watch the real services
	$(BIN)/python -m pytest tests/monitoring

# Debian's, unpacked rather than installed: installing it starts a service.
$(PROMETHEUS)/promtool:
	mkdir -p build/prometheus
	cd build/prometheus && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; }
	dpkg --extract build/prometheus/prometheus_*.deb build/prometheus
	rm build/prometheus/prometheus_*.deb

ghz-data: $(VENV)/.serving  ## Write the request files of benchmarks/ghz (PHOTOS=folder: of your own pictures)
	$(BIN)/python -m benchmarks.ghz.data $(if $(PHOTOS),'$(PHOTOS)')

guard: $(VENV)/.serving  ## Fail where the services do much less than one process, or than bare gRPC servers
	$(BIN)/python -m benchmarks.ghz.data --out build/guard
	$(BIN)/python -m benchmarks.pipeline build/guard/boutique/probes build/guard/boutique/catalogue \
		--folder build/guard/data --callers 4 --rounds 5 --turn 64 --open --least 0.5 --least-of-bare 0.8

supply: $(SUPPLY)/.tools $(SUPPLY)/.serving  ## Of what the images install: known vulnerabilities, licences, build/sbom.json
	$(SUPPLY)/tools/bin/pip-audit --progress-spinner off --path "$$($(SUPPLY)/serving/bin/python -c 'import site; print(site.getsitepackages()[0])')"
	$(SUPPLY)/tools/bin/pip-licenses --python $(SUPPLY)/serving/bin/python --ignore-packages hnswlib certifi clothing-retrieval \
		--partial-match --allow-only 'MIT;BSD;Apache;ISC;PSF;Python'
	$(SUPPLY)/tools/bin/cyclonedx-py environment $(SUPPLY)/serving/bin/python --pyproject pyproject.toml --output-file build/sbom.json

# What the images have, but for torch and CUDA. hnswlib names no licence where tools look: it is Apache-2.0. certifi is under the
# MPL, which binds who changes it. In venvs of their own: what looks must not be among what is looked at.
$(SUPPLY)/.serving: pyproject.toml Makefile
	test -x $(SUPPLY)/serving/bin/python || $(PYTHON) -m venv $(SUPPLY)/serving
	$(SUPPLY)/serving/bin/python -m pip install --quiet --editable '.[cpu,line,milvus]'
	touch $@

$(SUPPLY)/.tools: pyproject.toml
	test -x $(SUPPLY)/tools/bin/python || $(PYTHON) -m venv $(SUPPLY)/tools
	$(SUPPLY)/tools/bin/python -m pip install --quiet 'pip-audit>=2.10,<3' 'pip-licenses>=5.5,<6' 'cyclonedx-bom>=7.5,<8'
	touch $@

protos: $(VENV)/.dev  ## Generate the Python stubs from protos/
	$(BIN)/python -m grpc_tools.protoc -Iprotos -I$$($(BIN)/python -c 'import google.rpc.status_pb2 as m, pathlib; print(pathlib.Path(m.__file__).parents[2])') \
		--python_out=. --pyi_out=. --grpc_python_out=. \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=. $(PROTOS)

lint-protos: $(VENV)/.dev build/node/node_modules/.bin/buf  ## Lint the protos with buf (npm)
	mkdir -p build/googleapis/google/rpc
	cp "$$($(BIN)/python -c 'import google.rpc.status_pb2 as m, pathlib; print(pathlib.Path(m.__file__).with_name("status.proto"))')" build/googleapis/google/rpc/
	build/node/node_modules/.bin/buf lint

build/node/node_modules/.bin/buf:
	npm install --silent --no-fund --no-audit --prefix build/node @bufbuild/buf@1.75.0

protos-check: protos  ## Fail where the committed stubs are not those that protos/ gives
	git diff --exit-code -- clothing_retrieval/v1
	test -z "$$(git status --porcelain -- clothing_retrieval/v1)"

.PHONY: help setup demo test test-wiring test-endurance faults-table test-export test-storefront chromium storefront-images \
	check-monitoring test-monitoring lint format types ghz-data guard supply protos protos-check lint-protos
