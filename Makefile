# make help lists what there is to run. Go modules, the CDK's command line and the Python tools are installed by what needs them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Before each command that runs Go: the caller's settings for Go must not change what comes out.
HOST := sh internal/functionbuild/hostenv.sh
# What make test checks.
PACKAGES ?= ./...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: local
local: pipeline need-node ## run the sample events through the pipeline on this machine, without an AWS account
	@cat testdata/store-events.ndjson testdata/spoiled-events.ndjson | .build/pipeline local --events - --out .build/local --sample 3 --check

.PHONY: pipeline
pipeline: need-go ## build the operator's command, .build/pipeline
	@$(HOST) go build -o .build/pipeline ./cmd/pipeline

.PHONY: test
test: need-go need-node node_modules ## check formatting, vet, and run all tests
	@files=$$(find . \( -name node_modules -o -name .build -o -name cdk.out \) -prune -o -name '*.go' -print); \
		test -z "$$(gofmt -l $$files)" || { gofmt -d $$files; exit 1; }
	$(HOST) go vet -tags opensearch,verify $(PACKAGES)
	$(HOST) go test -vet=off -timeout 20m $(PACKAGES)

.PHONY: verify
verify: need-go need-node need-python need-java node_modules .build/venv/installed .build/checkov/installed ## check more: CloudFormation's schemas, Checkov's rules, reproducible builds, real clients, a real OpenSearch, the page in Chromium (needs Python, Java, Maven and Chromium)
	$(HOST) ./verify/run.sh

.PHONY: trino
trino: need-go need-node need-python need-java .build/venv/installed ## run the documented and the saved queries for Athena on a real Trino (needs Python, Java and Maven)
	PYTHONPATH=verify .build/venv/bin/python verify/lake/read.py trino

.PHONY: opensearch
opensearch: need-go need-java ## run a real OpenSearch on 127.0.0.1:9200 until Ctrl-C (needs Java and Maven)
	@$(HOST) go build -o .build/opensearch ./verify/opensearch
	@exec .build/opensearch

.PHONY: update
update: need-go need-node ## write down what the tests now see as expected: look at the difference before you commit it
	$(HOST) go test ./constructs -run 'TestStatements|TestIAMTable|TestIncidents|TestDashboardImage|TestSnapshots' -update
	$(HOST) go test ./functions/searchsetup ./settings ./cmd/pipeline ./deadletter ./local/parquet ./local/template ./schema/... -update

.PHONY: synth
synth: node_modules ## write the template to cdk.out
	npx cdk synth --quiet

.PHONY: simulate
simulate: need-go ## simulate the delivery path: SEEDS=N seeds, or the history of one, SEED=N
	@$(HOST) go test -c -o .build/simulation ./simulation
	@cd simulation && ../.build/simulation -test.run '^TestSimulate$$' -test.timeout 0 $(if $(SEED),-seed $(SEED),-seeds $(or $(SEEDS),10000))

.PHONY: house
house: need-go ## measure sizes, names, language and tests of the code
	@$(HOST) go run ./verify/house

.PHONY: mutants
mutants: need-go need-node node_modules ## plant one fault at a time and name the test that notices it: all, or ONLY=NAMES
	@$(HOST) go build -o .build/mutants ./verify/mutants
	@$(HOST) .build/mutants $(if $(ONLY),--only $(ONLY))

.PHONY: mutation-score
mutation-score: need-go ## measure how many small faults the tests of a package notice: PKG=event, and SAMPLE=10 for one in ten
	@$(HOST) verify/mutants/score.sh "$(PKG)" $(SAMPLE)

.PHONY: coverage
coverage: need-go need-node node_modules ## print the statements that no test reaches, by package and kind; LIST=1 lists them
	@$(HOST) go run ./verify/coverage $(if $(LIST),-list)

.PHONY: bench
bench: need-go need-python ## measure the transform against baselines of the same run
	$(HOST) go run ./verify/bench

.PHONY: bench-page
bench-page: pipeline need-node ## measure what the page costs a run of 100,000 events, and its first paint in Chromium
	$(HOST) go run ./verify/page/bench
	$(HOST) verify/page/check.sh firstpaint.mjs

.PHONY: bench-ingestion
bench-ingestion: need-go need-node node_modules ## measure a local run with ingestion kinesis against direct
	$(HOST) go run ./verify/ingestion

.PHONY: bench-synth
bench-synth: need-go need-node need-python node_modules ## measure cdk synth and pipeline local against an earlier commit and an empty app
	PYTHONPATH=verify $(HOST) python3 verify/template/synth.py

.PHONY: bench-start
bench-start: need-go need-node need-python ## measure make local and make test in a new clone with empty caches, against an earlier commit: WHAT="local test"
	PYTHONPATH=verify python3 verify/coldstart.py $(WHAT)

.PHONY: bench-throughput
bench-throughput: need-go need-node need-python node_modules .build/venv/installed ## measure local runs, senders, replay and the error handler against an earlier commit: WHAT="local send replay handler"
	PYTHONPATH=verify $(HOST) .build/venv/bin/python verify/throughput.py $(WHAT)

.PHONY: clean
clean: ## remove what was built
	rm -rf .build cdk.out node_modules

.PHONY: need-go need-node need-python need-java
need-go:
	@command -v go >/dev/null || { echo "Go is missing (https://go.dev/dl). The version: README.md, Requirements" >&2; exit 1; }
need-node:
	@command -v node >/dev/null || { echo "Node.js is missing (https://nodejs.org); the CDK runs in it. The version: README.md, Requirements" >&2; exit 1; }
need-python:
	@command -v python3 >/dev/null || { echo "Python with venv is missing. The version: README.md, Requirements" >&2; exit 1; }

need-java:
	@command -v java >/dev/null || { echo "Java is missing. The versions: README.md, Requirements" >&2; exit 1; }
	@command -v mvn >/dev/null || { echo "Maven is missing: it fetches OpenSearch and Trino (https://maven.apache.org/install.html)" >&2; exit 1; }

node_modules: package.json package-lock.json
	npm ci --no-fund --no-audit
	@touch node_modules

.build/venv/installed: verify/requirements.txt
	@mkdir -p .build
	python3 -m venv .build/venv
	.build/venv/bin/pip install --quiet --disable-pip-version-check -r verify/requirements.txt
	@touch $@

.build/checkov/installed: verify/checkov/requirements.txt
	@mkdir -p .build
	python3 -m venv .build/checkov
	.build/checkov/bin/pip install --quiet --disable-pip-version-check -r verify/checkov/requirements.txt
	@touch $@
