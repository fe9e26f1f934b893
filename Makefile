# Two commands do everything on a fresh machine with Python 3.11 and make:
#   make demo    the main job, embedded defaults
#   make test    every test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/.tools:$(PATH)

.PHONY: demo test coverage check serve bench fuzz-policy test-log bench-log test-attacks test-replicas bench-scaling soak clean format lock

demo: $(VENV)/.run
	$(BIN)/corridor demo

# Two halves at once, for two cores. Tests of adapters, and those that look at whole processes from
# outside, are not traced: what is held to a limit is the gateway's code, and the latter measure
# memory and times. `make coverage` traces all, adapters as well.
ADAPTERS := $(wildcard tests/test_adapter_*.py tests/test_real_samples.py tests/test_fhir_validator.py)
OUTSIDE := $(wildcard tests/test_crash.py tests/test_docs.py tests/test_generated_client.py \
	tests/test_partner_examples.py tests/test_proof.py tests/test_replicas.py \
	tests/test_schemathesis.py tests/test_soak.py tests/test_third_party.py tests/test_tutorial.py)
UNTRACED := $(ADAPTERS) $(OUTSIDE)
FIRST := $(wildcard tests/test_policy_*.py tests/test_mapping*.py tests/test_agreement*.py \
	tests/test_kit_subject.py)
OTHERS := $(filter-out $(UNTRACED) $(FIRST),$(wildcard tests/test_*.py))
# What it cannot do with this pytest is trace the tests themselves.
TRACED := $(BIN)/python -W "ignore:Unable to activate pytest" -m slipcover --branch --json --source
PYTEST := -m pytest -W ignore::pytest.PytestAssertRewriteWarning

test: $(VENV)/.dev
	rm -f .coverage.*.json
	@{ $(BIN)/python -m pytest $(UNTRACED); untraced=$$?; \
		$(TRACED) gateway --out .coverage.first.json $(PYTEST) $(FIRST) && exit $$untraced; } \
		>.first.log 2>&1 & first=$$!; \
	$(TRACED) gateway --out .coverage.others.json $(PYTEST) $(OTHERS); others=$$?; \
	wait $$first; first=$$?; cat .first.log; rm -f .first.log; \
	test $$others -eq 0 && test $$first -eq 0
	$(BIN)/python -m slipcover --skip-covered --fail-under 95 \
		--merge .coverage.first.json .coverage.others.json --out .coverage.json

coverage: $(VENV)/.dev
	$(BIN)/python -m slipcover --branch --skip-covered --fail-under 95 --source gateway,adapters $(PYTEST) tests

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m gateway.policy.lint policies
	$(BIN)/corridor policy check
	$(BIN)/python -m gateway.compatibility
	$(BIN)/python -m gateway.reference --check
	$(BIN)/python -m gateway.crosswalk --check

serve: $(VENV)/.run
	$(BIN)/corridor serve --deployment deploy/demo

bench: $(VENV)/.dev
	$(BIN)/python -m bench.mapping
	$(BIN)/python -m bench.bulk
	$(BIN)/python -m bench.single
	$(BIN)/python -m bench.stream
	$(BIN)/python -m bench.replay

# The policies on generated questions, by both engines: SEED=7 COUNT=2000 for less.
fuzz-policy: $(VENV)/.dev
	$(BIN)/python -m gateway.policy.fuzz --seed $(or $(SEED),1) --count $(or $(COUNT),100000)

# Gateways and databases killed under load, disks that fail: KILLS=100 SEED=2 for less.
test-log: $(VENV)/.dev
	$(BIN)/python -m tests.proof --kills $(or $(KILLS),1000) --seed $(or $(SEED),1)

bench-log: $(VENV)/.dev
	$(BIN)/python -m bench.log $(or $(ENTRIES),1000000)
	$(BIN)/python -m bench.reports $(or $(ENTRIES),1000000)

# Attacks by somebody who has everything but the witnesses' keys: COUNT=500 SEED=2 for less.
test-attacks: $(VENV)/.dev
	$(BIN)/python -m tests.attacks --count $(or $(COUNT),10000) --seed $(or $(SEED),1)

# Transfers under load while their recipient fails one push in five: SECONDS=30 for less.
soak: $(VENV)/.dev
	$(BIN)/python -m bench.soak $(or $(SECONDS),300) $(or $(CONNECTIONS),64)

# Three gateways on one PostgreSQL, each killed in turn under load: ROUNDS=2 for less.
test-replicas: $(VENV)/.dev
	$(BIN)/python -m tests.replicas $(or $(ROUNDS),10)

# One large payload on one process, two, and two workers through NATS: COUNT=20000 for less.
bench-scaling: $(VENV)/.dev
	$(BIN)/python -m bench.scaling $(or $(COUNT),200000)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .tools build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .coverage.* deploy/demo/keys deploy/demo/data

# Resolve pyproject.toml again and pin what comes out, with hashes.
lock: $(VENV)/.dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml .ci/build.in --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml .ci/build.in --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The demo deployment gets its keys and its log here, so that it can be used at once.
$(VENV)/.run: $(BIN)/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/corridor init deploy/demo
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
