# Two commands on a fresh machine: `make demo` (the main job) and `make test`. Both make .venv by themselves.
#
#   make venv PYTHON=python3.10     a Python of your choice (else the newest of 3.8 to 3.11 found)
#   make venv EXTRAS=cu112,test     the CUDA 11.2 build of mxnet
#   make web                        the scripts of the pages, built anew from web/ (needs Node.js 20)
#   make test-fast                  the tests without those marked slow
#   make test ARGS='-k binvox -x'   arguments for pytest; for demo, arguments of tools/demo.py

PYTHON ?=
VENV ?= .venv
EXTRAS ?= cpu,onnx,openvino,serve,test,lint
ARGS ?=

.PHONY: help demo test test-fast lint web venv clean

help:
	@sed -n '1,8s/^# \{0,1\}//p' Makefile

demo: venv
	$(VENV)/bin/python tools/demo.py $(ARGS)

test: venv
	$(VENV)/bin/python -m pytest -q $(ARGS)

test-fast: venv
	$(VENV)/bin/python -m pytest -q -m 'not slow' $(ARGS)

lint: venv
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m mypy

# The built scripts are part of the package: only who changes web/ needs this, and Node.js.
web:
	cd web && npm ci && npm run build

# Any python3 may run bootstrap.py; bootstrap.py then chooses the one for the environment.
venv:
	@for python in $(PYTHON) python3 python3.11 python3.10 python3.9 python3.8 python "$$HOME"/.pyenv/versions/3*/bin/python; do \
	    if "$$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then \
	        exec "$$python" -I tools/bootstrap.py --venv '$(VENV)' --python '$(PYTHON)' --extras '$(EXTRAS)'; \
	    fi; \
	done; \
	echo "make: no Python 3 found; install one of 3.8 to 3.11 (Debian 12: apt-get install python3.11 python3.11-venv)" >&2; \
	exit 2

clean:
	rm -rf '$(VENV)' demo build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -exec rm -rf {} +
