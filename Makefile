# Loa. `make demo` shows the main job, `make test` proves it. `make help` lists the rest.
DEMO_SECONDS ?=
.PHONY: help build demo test check types bench soak hostile fuzz setup-build setup-demo setup-test setup-bench

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: setup-build  ## the two programs, target/release/loa-controller (the app in it) and loa-agent
	@scripts/web.sh
	cargo build --release --quiet --bin loa-controller --bin loa-agent

demo: setup-demo  ## a sample village on this machine; DEMO_SECONDS=90 ends by itself
	@echo "building (some minutes the first time) ..."
	@scripts/web.sh
	@cargo build --release --quiet --bin loa-controller --bin loa-agent
	@exec target/release/loa-controller demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: setup-test  ## everything CI demands
	@scripts/web.sh
	@scripts/check.sh
	@scripts/test.sh

check: setup-test  ## format, lints, types, documentation, licences
	@scripts/web.sh
	@scripts/check.sh

types: setup-build  ## the description of the API and the app's types, after a change of the API
	@scripts/web.sh install
	@mkdir -p target
	cargo run --quiet --bin loa-controller -- openapi > target/openapi.json
	@mv target/openapi.json controller/web/openapi.json
	cd controller/web && npm run --silent types

bench: setup-bench  ## the figures, into target/figures
	@scripts/web.sh
	@scripts/bench.sh

soak: setup-test  ## the simulated village for thousands of seeds, and power cuts by the hundred thousand
	LOA_SEEDS=$${LOA_SEEDS:-10000} cargo test --release -p loa-tests --test village -- --nocapture
	LOA_POWER_CUTS=$${LOA_POWER_CUTS:-100000} cargo test --release -p loa-tests --test power_cut -- --nocapture

hostile: setup-test  ## ten thousand villages, two days each, under a broker that drops, replays, mixes, forges and floods
	LOA_HOSTILE_DAYS=$${LOA_HOSTILE_DAYS:-2} LOA_HOSTILE_SEEDS=$${LOA_HOSTILE_SEEDS:-10000} cargo test --release -p loa-tests --test village hostile -- --nocapture

fuzz: setup-test  ## a hundred million bad inputs, and two thousand damaged recordings through the process that reads them
	LOA_MUTATED_FILES=$${LOA_MUTATED_FILES:-2000} cargo test --release -p loa-controller --test decode -- --nocapture
	LOA_FUZZ=$${LOA_FUZZ:-100000000} cargo test --release -p loa-tests --test bad_input -- --nocapture

# A phony target is never made by a pattern rule: each is named.
setup-build setup-demo setup-test setup-bench:
	@scripts/setup.sh $(@:setup-%=%)
