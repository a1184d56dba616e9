# Two commands set everything up by themselves: `make demo` speaks, `make test` passes the tests.
# They need Python 3.11 or newer; PYTHON=... chooses another interpreter.

PYTHON ?= python3
MAKEFLAGS += --no-print-directory
# Where an environment forbids it, each of the some hundred processes of the tests would compile every module anew.
export PYTHONDONTWRITEBYTECODE =
# Their commands are run by `make readme`; `make test` runs them among the others.
DOCUMENTS = --ignore tests/test_documents.py
# Twice quiet: warnings of pip are no concern of who wants to hear a word.
PIP_INSTALL = pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: vendor demo study-demo test test-all lint types unit explore slow classifiers readme package figures clean

# Speak: the core alone, no PyTorch.
demo: .venv/core.done
	@.venv/bin/voxlet say 4091 --out 4091.wav
	@.venv/bin/voxlet say 4091 --play 2>/dev/null || echo 'no sound player found here: open 4091.wav'

# Train one of the study's models on FSDD and let it speak: downloads the recordings unless they are here.
study-demo: .venv/dev.done
	.venv/bin/voxlet corpus get fsdd
	.venv/bin/voxlet train cnn-light --corpus fsdd --run runs/cnn-light --epochs 30
	.venv/bin/voxlet generate runs/cnn-light 4091 -n 5 --out out/cnn-light

# Everything that has to hold: lint, types, unit tests, tests on real recordings, the commands in the documents.
# Two at a time where each keeps one core busy. Lines are counted over both kinds of tests.
test:
	$(MAKE) --jobs 2 .venv/dev.done .venv/moto.done
	$(MAKE) lint
	$(MAKE) --jobs 2 types unit COVERAGE='--cov --cov-report= --cov-fail-under=0'
	$(MAKE) slow DOCUMENTS= COVERAGE='--cov --cov-append --cov-report=term'

# And what takes longer: classifiers trained anew, the package tried, small changes that the tests have to notice.
test-all: test explore classifiers package mutants

lint: .venv/dev.done
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/dev.done
	.venv/bin/mypy

# Each core is given neighbouring tests, which share what takes long to make.
unit: .venv/dev.done
	OMP_NUM_THREADS=1 .venv/bin/pytest -n auto --dist worksteal -m 'not slow' $(COVERAGE)

# Examples that no run has tried yet, where `make unit` takes the same ones each time.
explore: .venv/dev.done
	VOXLET_EXAMPLES=explore $(MAKE) unit

slow: .venv/dev.done .venv/moto.done
	OMP_NUM_THREADS=1 .venv/bin/pytest -n auto --dist worksteal -m 'slow and not trains' $(DOCUMENTS) $(COVERAGE)

# The classifiers' accuracy on real recordings: each is trained anew, which takes minutes.
classifiers: .venv/dev.done
	.venv/bin/pytest -m trains

readme: .venv/dev.done
	.venv/bin/pytest -m slow tests/test_documents.py

# The wheel and the source archive: built, checked, and each tried in an environment of its own outside this tree.
package: .venv/package.done
	rm -rf dist
	.venv/bin/python -m build
	.venv/bin/twine check --strict dist/*
	for archive in dist/*; do \
	    folder=$$(mktemp -d) && $(PYTHON) -m venv $$folder/venv \
	    && $$folder/venv/bin/$(PIP_INSTALL) $$archive \
	    && (cd $$folder && venv/bin/voxlet say 4091 && venv/bin/voxlet doctor) \
	    && rm -rf $$folder || exit 1; \
	done

# Do the tests notice small changes of the arithmetic? An hour or more; its last lines say which share they do.
.PHONY: mutants
mutants: .venv/mutants.done
	OMP_NUM_THREADS=1 .venv/bin/mutmut run
	.venv/bin/mutmut results --all true | .venv/bin/python benchmarks/mutants.py --least 85

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "voxlet needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv

.venv/core.done: .venv/bin/python pyproject.toml constraints.txt
	@.venv/bin/$(PIP_INSTALL) --editable .
	@touch $@

# Bytecode of what is imported is made at that time: that of everything, 300 MB of sources, takes a minute.
.venv/dev.done: .venv/bin/python pyproject.toml constraints.txt
	.venv/bin/$(PIP_INSTALL) --no-compile --editable '.[dev]'
	touch $@ .venv/core.done

# A stand-in for S3, in an environment of its own: it needs older packages than voxlet.
.venv/moto.done: .venv/bin/python
	$(PYTHON) -m venv .venv/moto
	.venv/moto/bin/pip install --quiet --quiet --disable-pip-version-check --no-compile 'moto[s3,server]==5.2.5'
	touch $@

.venv/mutants.done: .venv/dev.done
	.venv/bin/$(PIP_INSTALL) mutmut
	touch $@

.venv/package.done: .venv/bin/python constraints.txt
	.venv/bin/$(PIP_INSTALL) build twine
	touch $@

# The figures of README.md and docs/, from stored results.
figures: .venv/dev.done
	.venv/bin/python docs/figures/draw.py

# The libraries of the page from npm, at the versions that are pinned, and what it knows of metrics.
vendor: .venv/dev.done
	.venv/bin/python tools/vendor_page.py
	.venv/bin/python tools/page_metrics.py

clean:
	rm -rf .venv dist runs out mutants 4091.wav
