# "make" alone lists the targets.
SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help

VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null)
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME    ?= $(or $(T),5s)
FLAPTIME    ?= 1m

# Debian packages that the tests need: a C compiler for the race detector and the program on libmms, and the players.
PACKAGES := gcc libc6-dev pkg-config libmms-dev curl iproute2 ffmpeg vlc-bin vlc-plugin-base mplayer mpv \
	gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
	gstreamer1.0-plugins-ugly gstreamer1.0-libav libxine2-dev libxine2-ffmpeg libxine2-misc-plugins mpd nginx \
	libnginx-mod-stream haproxy stunnel4 openssl squid tinyproxy-bin logrotate prometheus bind9 chromium \
	systemd-container

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## compile bin/pumpd
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/pumpd .

.PHONY: reference
reference: ## make docs/reference.md anew, after a change of pump.toml.example
	go run ./contrib/manual reference < pump.toml.example > docs/reference.md

# DESTDIR is for who packs it, PREFIX for who installs it. The configuration is left as it is.
PREFIX ?= /usr/local
SYSCONF ?= /etc
.PHONY: install
install: build ## install the program, its man pages, documents and unit below PREFIX (/usr/local)
	share=$(DESTDIR)$(PREFIX)/share
	install -D -m 755 bin/pumpd $(DESTDIR)$(PREFIX)/bin/pumpd
	install -D -m 644 contrib/manual/pumpd.8 $$share/man/man8/pumpd.8
	install -d $$share/man/man5 $$share/doc/pumpd $(DESTDIR)$(PREFIX)/lib/systemd/system
	go run ./contrib/manual man < pump.toml.example > $$share/man/man5/pump.toml.5
	install -m 644 *.md LICENSE pump.toml.example $$share/doc/pumpd
	# Where the documents say that they are.
	for f in docs/*.{md,json} docs/protocol/* contrib/{docker,grafana,kubernetes,prometheus}/*; do
	  install -D -m 644 $$f $$share/doc/pumpd/$$f
	done
	go run ./contrib/sbom bin/pumpd > $$share/doc/pumpd/sbom.json
	sed 's|/usr/bin/|$(PREFIX)/bin/|' contrib/systemd/pumpd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/pumpd.service
	[ -e $(DESTDIR)$(SYSCONF)/pumpd/pump.toml ] ||
	  install -D -m 640 pump.toml.example $(DESTDIR)$(SYSCONF)/pumpd/pump.toml

.PHONY: deb
deb: ## pack bin/pumpd_VERSION_ARCH.deb
	contrib/debian/pack

.PHONY: run
run: build ## run pumpd with pump.toml.example
	@exec bin/pumpd -c pump.toml.example

.PHONY: quick
quick: ## the tests of the packages, not of the built program: half a minute
	go test $$(go list ./... | grep -v /tests/)

.PHONY: test
test: deps race players ## all tests, and first the packages that they need

.PHONY: race
race: ## the tests that need no other programs
	PUMPD_FLAP_TIME=$(FLAPTIME) go test -race -shuffle=on -timeout 30m ./...

# What finds more the longer it runs: random operations, what happens in time, inputs.
.PHONY: long
long: ## the longest three quarters of an hour: random tests again and again, a flapping upstream, fuzz
	go test -race -shuffle=on -count 30 -timeout 1h -run 'Random|Flood|Pair|Engines' $$(go list ./... | grep -v /tests/)
	$(MAKE) race FLAPTIME=10m
	$(MAKE) fuzz FUZZTIME=1m

.PHONY: players
players: ## the tests with real players and tools
	cd tests/e2e # without a package argument go test prints what was not tested
	go test -tags players -count=1 -timeout 40m

# Installs what is missing where that needs no password. Elsewhere the tests go on without it, and this says so.
.PHONY: deps
deps: ## install the Debian packages of the tests
	@missing() {
	  for p in $(PACKAGES); do
	    case "$$(dpkg-query -W -f '$${Status}' $$p 2>/dev/null)" in
	      *'ok installed') ;;
	      *) echo $$p ;;
	    esac
	  done
	}
	list=$$(missing)
	apt=
	if ! command -v apt-get >/dev/null; then :
	elif [ "$$(id -u)" = 0 ]; then apt='env DEBIAN_FRONTEND=noninteractive apt-get -q'
	elif sudo -n true 2>/dev/null; then apt='sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q'
	fi
	if [ -n "$$list" ] && [ -n "$$apt" ]; then
	  echo 'deps: installing' $$list
	  $$apt update || true
	  # If one of them does not exist here, the others are still worth having.
	  $$apt install -y --no-install-recommends $$list ||
	    for p in $$list; do $$apt install -y --no-install-recommends $$p || true; done
	  list=$$(missing)
	fi
	if [ -z "$$list" ]; then
	  echo 'deps: all packages are installed'
	  exit
	fi
	stars='**********************************************************************'
	printf '%s\n' '' "$$stars" 'deps: NOT INSTALLED. Tests that need what is in these WILL BE SKIPPED:'
	printf '  %s\n' $$list
	printf '%s\n' 'On Debian, install them with' "  sudo apt-get install $$(echo $$list)" "$$stars" ''

.PHONY: check
check: format vet tidy lint race contrib fuzz smoke ## what CI checks besides the players

# A module of its own, so that pumpd does not depend on what it checks with.
.PHONY: contrib
contrib: ## hold manifests and dashboard against the types of Kubernetes and Grafana
	cd contrib/check
	go test ./...

.PHONY: format
format:
	@list=$$(gofmt -l .)
	if [ -n "$$list" ]; then echo "gofmt -w these:"; echo "$$list"; exit 1; fi

.PHONY: vet
vet:
	go vet ./...
	go vet -tags players ./...

.PHONY: tidy
tidy:
	go mod tidy -diff

.PHONY: lint
lint: ## golangci-lint, pinned; .golangci.yml says what it looks for
	go run $(GOLANGCI) run

# Short minimizing: by default one input that is new can take all the time. Before Go 1.27 the end of the time can come
# out as a failure without an input (go.dev/issue/75804), which is not one.
.PHONY: fuzz
fuzz: ## fuzz each target for FUZZTIME, or T (5s)
	@count=0
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	for package in $$(go list ./...); do
	  targets=$$(go test -list '^Fuzz' $$package | sed -n '/^Fuzz/p')
	  for target in $$targets; do
	    echo "fuzz: $$package $$target"
	    count=$$((count + 1))
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package 2>&1 \
	      | tee "$$log" | tail -n 3 && continue
	    if grep -q '^ *context deadline exceeded$$' "$$log" && ! grep -q 'Failing input' "$$log"; then
	      echo "fuzz: $$target: not a failure, go.dev/issue/75804"
	    else
	      cat "$$log"
	      exit 1
	    fi
	  done
	done
	echo "fuzz: $$count targets"
	[ $$count -gt 0 ]

# Fails when a viewer of pumpd failed or missed something; the figures of a second mean nothing.
.PHONY: smoke
smoke:
	go test -run '^$$' -bench . -benchtime 100x ./...
	go run ./bench compare -only floor,pumpd -points 200x300kx1400,50x2Mx8192 -rounds 1 -duration 1s -settle 500ms

.PHONY: bench
bench: ## compare with other servers, quickly
	go run ./bench compare -quick

.PHONY: clean
clean: ## remove what make made
	rm -rf bin
