# The two commands that a person needs, and what `make test` is made of.
# Nothing is installed outside of this folder and ~/.cache/sluice-ci, except Emacs, where there is none and we are root.

.PHONY: help run test check reliability fuzz clean
.DEFAULT_GOAL := help

# How long `make fuzz` looks, in all.
FUZZ_SECONDS ?= 600

help:
	@echo 'make run    start the daemon with the built-in sandbox provider: no key, no network   (ARGS="--socket PATH ...")'
	@echo 'make test   install what the tests need, then every check and every test              (ARGS="-k NAME ...")'
	@echo 'make check  every check and every test, installing nothing                            (ARGS="-k NAME ...")'
	@echo 'make reliability  how much it withstands, measured; hours in full   (ARGS="--scale 0.01", ARGS="--only F3,F26")'
	@echo 'make fuzz   look for bytes that break framing, matching, redaction: ten minutes   (FUZZ_SECONDS=60, ARGS="answers")'
	@echo 'make clean  remove what make has made in this folder'

run:
	@.ci/venv.sh run
	@exec .venv/bin/daemon serve --sandbox $(ARGS)

test:
	@.ci/venv.sh test
	@.ci/install-emacs.sh || echo 'sluice: the Emacs tests for which something is missing are skipped' >&2
	@tests/run $(ARGS)

check:
	@tests/run $(ARGS)

reliability:
	@.ci/venv.sh test
	@.venv/bin/python -m benchmarks.reliability $(ARGS)

fuzz:
	@.ci/venv.sh test
	@.venv/bin/python -c 'import atheris' 2>/dev/null || .venv/bin/pip install --quiet --disable-pip-version-check -e '.[fuzz]' || \
	  echo "sluice: skipped, since atheris is missing; install it: .venv/bin/pip install -e '.[fuzz]'" >&2
	@! .venv/bin/python -c 'import atheris' 2>/dev/null || .venv/bin/python -m benchmarks.fuzz $(or $(ARGS),every $(FUZZ_SECONDS))

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find daemon tests benchmarks elisp -name __pycache__ -prune -exec rm -rf {} +
	find elisp tests -name '*.elc' -delete
