# The developer's menu: `make` lists it.
.DEFAULT_GOAL := help
.PHONY: help local test lint fmt templates binaries deploy-check bench ci openapi redrive

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

local: ## the whole system on this machine, at http://127.0.0.1:9000
	cargo local

test: ## every test
	cargo test

lint: ## formatting and lints
	.ci/run format clippy

fmt: ## formats everything
	cargo fmt --all

templates: ## lints and checks the deployment templates
	.ci/run templates

binaries: ## builds what is deployed, and prints the sizes
	.ci/run binaries

deploy-check: ## deploys to an AWS emulator with IAM enforced and walks through it
	infra/deploy-check

bench: ## cold starts, warm requests, instruction counts
	benches/run

openapi: ## writes the OpenAPI documents anew
	cargo build -q --bin declarations
	for service in $$(target/debug/declarations services); do \
	  target/debug/declarations openapi $$service > docs/openapi/$$service.json; \
	done

redrive: ## moves dead letters back: make redrive QUEUE=<dead-letter queue arn>
	aws sqs start-message-move-task --source-arn "$(QUEUE)"

ci: ## everything a change has to pass
	.ci/run
