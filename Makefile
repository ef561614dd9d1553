# fim-lsp: `make try` and `make test` set everything up from nothing; both are quick the second time.
# A machine without CUDA on which pip would fetch a CUDA build: make setup TORCH_INDEX=<see README>
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := .venv/.ready
TORCH := $(shell grep '^torch==' constraints.txt)

VSIX := editors/vscode/dist/fim-lsp.vsix

.PHONY: setup try test test-long editors vsix vsix-server check fix eval release clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 13

setup: $(STAMP) ## make .venv and install everything

$(STAMP): pyproject.toml constraints.txt hatch_build.py $(wildcard fim_lsp/nn/native/*.[ch])
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing $(TORCH) and the rest (about a minute)"
	@$(PIP) install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

try: $(STAMP) ## complete holes of real sample files and show the ghost text
	@$(BIN)/fim-lsp demo

test: $(STAMP) ## all tests; those of an editor that is not there are skipped
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone and not editor"
	@$(BIN)/python -m pytest -m "alone or editor"

test-long: $(STAMP) ## what `make test` leaves out for its length: half a minute of typing, installing the wheels
	@$(BIN)/python -m pytest -m "typing or wheel"

editors: $(STAMP) vsix ## what the editors' tests need: VS Code into .cache/; as root on Debian also Chromium and Emacs
	@tests/e2e/install.sh

check: $(STAMP) ## format, lint, types, layers, generated docs: seconds
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy && $(BIN)/python -m pytest -q tests/test_layers.py tests/test_words.py tests/test_docs.py

fix: $(STAMP) ## format, mend what lint can, write generated docs
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .
	@$(BIN)/python editors/settings.py
	@$(BIN)/nvim --clean -l editors/neovim/scripts/help.lua

vsix: $(VSIX) ## package the VS Code extension

$(VSIX): $(shell find editors/vscode -name node_modules -prune -o -name dist -prune -o -path editors/vscode/server -prune -o -type f -print) editors/node.sh
	@PATH="$$(PYTHON=$(PYTHON) editors/node.sh):$$PATH"; cd editors/vscode && npm ci --ignore-scripts --loglevel=error && npm run --silent package
	@du -h $@

vsix-server: $(STAMP) ## package it for this system with the server inside, and its checksum: minutes
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[release]'
	@PATH="$$(PYTHON=$(PYTHON) editors/node.sh):$$PATH" $(BIN)/python editors/vscode/freeze.py

eval: $(STAMP) ## first-line match and cold latency on the shipped holes
	@$(BIN)/fim-lsp eval

release: $(STAMP) ## a wheel per platform, sdist and the weights in data wheels, into dist/
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[release]'
	@$(BIN)/python models/release.py

clean: ## remove .venv and caches
	rm -rf .venv .cache editors/vscode/node_modules editors/vscode/dist editors/vscode/server .pytest_cache .mypy_cache .ruff_cache dist build
