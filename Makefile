# `make` lists what there is to make.
.DEFAULT_GOAL := help
.PHONY: help book test test-variants serve check clean check-offline results bench mutate fuzz picture setup setup-test
PORT ?= 8000
export PYTHON
PY := .venv/bin/python

help:  ## list the targets
	@echo "Convolutional Networks from Scratch"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

book: setup  ## set up .venv if needed, build the book into _build/html, print its address
	@$(PY) tools/book.py build

test: setup-test  ## set up .venv if needed, build the book if anything changed, run every test on all cores
	@$(PY) tools/book.py build
	@echo "==> Running every test, one process a core (at most 8); ARGS=\"-n 0 -k padding\" chooses"
	@$(PY) -m pytest --numprocesses logical --maxprocesses 8 --dist loadscope $(ARGS)

# What depends on the machine: TensorFlow without oneDNN, and another kernel of the BLAS under NumPy.
VARIANTS := TF_ENABLE_ONEDNN_OPTS=0 OPENBLAS_CORETYPE=Haswell
VARIED := tests/nn tests/fast tests/gradcheck tests/bugzoo tests/keras_twin tests/claims

test-variants: setup-test  ## run the tests that depend on the machine again, as another machine would compute
	@for variant in $(VARIANTS); do \
	    echo "==> Running $(VARIED) with $$variant"; \
	    env $$variant $(PY) -m pytest --numprocesses logical --maxprocesses 8 --dist loadscope $(VARIED) $(ARGS) || exit 1; \
	done

serve: book  ## build the book and show it on this machine: make serve PORT=8000
	@$(PY) tools/book.py serve --port $(PORT)

check: setup-test  ## everything a change must pass: format, lint, the book without warnings, every test
	@echo "==> Checking format and lint"
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(MAKE) --no-print-directory test

check-offline: setup  ## build the book once more with no network, no data, an empty home: RUN="index pooling" runs only these
	@$(PY) tools/book.py offline $(if $(RUN),--run $(RUN))

results: setup  ## run the long experiments that are not recorded yet: make results ARGS="--list" says which
	@$(PY) tools/record_results.py $(ARGS)

bench: setup  ## time ours, Keras, TensorFlow and installed peers: make bench QUICK=1 in 3 minutes, ARGS="--help" says the rest
	@$(PY) benchmarks/run.py $(if $(QUICK),--quick) $(ARGS)

mutate: setup-test  ## plant faults in the network and see whether the tests notice: make mutate ARGS="--faults 80"
	@$(PY) tools/mutate.py $(ARGS)

fuzz: setup-test  ## throw five million random messages at the reader of students' answers: make fuzz ARGS="--seed 7"
	@$(PY) tools/fuzz.py $(ARGS)

picture: setup-test  ## photograph the moving picture of README.md anew, in a browser: pictures/conv_stepper.gif
	@$(PY) tools/book.py build
	@$(PY) tools/picture.py

clean:  ## delete what was built; .venv stays (delete it by hand)
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@echo "==> Deleted _build and the tools' caches"

setup:
	@sh tools/setup.sh book

setup-test:
	@sh tools/setup.sh test
