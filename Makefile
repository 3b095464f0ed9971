# make run      start Freebrush
# make test     all tests; some of them: make test T=tests/providers, make test T="-k fallback -x"
# make lint     style, types, and which floor may import what
# make bench    what is fast
# make drill    every fault of every vendor, to see that none is paid for twice
# make check    ask every provider whether it would work now; makes no picture, costs nothing
# make live     one small picture of every provider that is set up, for at most $0.05; asks first
#
# Each sets up .venv by itself. PYTHON=python3.12 picks the interpreter.

PYTHON ?= python3
T ?=

PY := .venv/bin/python
MINOR := -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
WANTED := $(shell $(PYTHON) $(MINOR))
PRESENT := $(shell $(PY) $(MINOR))

.PHONY: run test lint bench drill check live

run: .venv/run.stamp
	@exec $(PY) app.py

test: .venv/dev.stamp
	@$(PY) -m tests.chromium
	@$(PY) -m tests $(T)

lint: .venv/dev.stamp
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --quiet --check .
	$(PY) -m mypy app.py api providers studio ui
	@# Started this way, and not by its script, it finds .venv wherever the folder was moved to.
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo

bench: .venv/dev.stamp
	@$(PY) -m benchmarks

drill: .venv/dev.stamp
	@$(PY) -m tests.drill

check: .venv/run.stamp
	@exec $(PY) app.py --check

live: .venv/run.stamp
	@exec $(PY) app.py --live

# A stamp is written last, so what was broken off is done again. An environment of another Python
# is made anew, and with it everything in it.
ifneq ($(PRESENT),$(WANTED))
.PHONY: .venv/made.stamp
endif

.venv/made.stamp:
	@case "$(WANTED)" in \
	"") echo "There is no Python at '$(PYTHON)'. Name one, 3.10 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1;; \
	2.*|3.?) echo "Freebrush needs Python 3.10 or newer, and '$(PYTHON)' is $(WANTED). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1;; \
	esac
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "'$(PYTHON)' lacks the venv module. On Debian and Ubuntu: apt-get install python$(WANTED)-venv" >&2; exit 1; }
	@echo "Setting up .venv with Python $(WANTED) (once, a minute or two)…"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/run.stamp: .venv/made.stamp requirements.txt
	@echo "Installing requirements.txt…"
	@$(PY) -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	@echo "Installing requirements-dev.txt…"
	@$(PY) -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@
