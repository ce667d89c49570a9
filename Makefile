# make help lists what there is to run. Go modules, the CDK's command line and the Python tools are installed by what needs them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: local
local: need-go need-node ## run the sample events through the pipeline on this machine, without an AWS account
	@mkdir -p .build
	@go build -o .build/pipeline ./cmd/pipeline
	@cat testdata/store-events.ndjson testdata/spoiled-events.ndjson | .build/pipeline local --events - --out .build/local --sample 3 --check

.PHONY: test
test: need-go need-node ## check formatting, vet, and run all tests
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -d $$(git ls-files '*.go'); exit 1; }
	go vet -tags opensearch,verify ./...
	go test ./...

.PHONY: verify
verify: need-go need-node need-python need-java node_modules .build/venv/installed ## check more: CloudFormation's schemas, reproducible builds, real clients, a real OpenSearch (needs Python, Java and Maven)
	./verify/run.sh

.PHONY: opensearch
opensearch: need-go need-java ## run a real OpenSearch on 127.0.0.1:9200 until Ctrl-C (needs Java and Maven)
	@go build -o .build/opensearch ./verify/opensearch
	@exec .build/opensearch

.PHONY: update
update: need-go need-node ## write down what the tests now see as expected: look at the difference before you commit it
	go test ./constructs -run 'TestStatements' -update
	go test ./functions/searchsetup ./settings ./cmd/pipeline -update

.PHONY: synth
synth: node_modules ## write the template to cdk.out
	npx cdk synth --quiet

.PHONY: bench
bench: need-go need-python ## measure the transform against baselines of the same run
	go run ./verify/bench

.PHONY: bench-synth
bench-synth: need-go need-node node_modules ## measure cdk synth against that of an empty app
	./verify/synth.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf .build cdk.out node_modules

.PHONY: need-go need-node need-python need-java
need-go:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 (https://go.dev/dl)" >&2; exit 1; }
need-node:
	@command -v node >/dev/null || { echo "Node.js is missing: install Node.js 22 or later (https://nodejs.org); the CDK runs in it" >&2; exit 1; }
need-python:
	@command -v python3 >/dev/null || { echo "Python is missing: make verify needs Python 3.10 or later with venv, make bench 3.11" >&2; exit 1; }

need-java:
	@command -v java >/dev/null || { echo "Java is missing: OpenSearch needs Java 11 to 21" >&2; exit 1; }
	@command -v mvn >/dev/null || { echo "Maven is missing: it fetches OpenSearch (https://maven.apache.org/install.html)" >&2; exit 1; }

node_modules: package.json package-lock.json
	npm ci --no-fund --no-audit
	@touch node_modules

.build/venv/installed: verify/requirements.txt
	@mkdir -p .build
	python3 -m venv .build/venv
	.build/venv/bin/pip install --quiet --disable-pip-version-check -r verify/requirements.txt
	@touch $@
