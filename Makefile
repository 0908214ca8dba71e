MAKEFLAGS   += --no-print-directory
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.1
FUZZ_SECONDS = 600
OTHER_GO     = go1.27.4

.PHONY: help test lint allocations fuzz bench chaos other-go

help:
	@echo "make test      everything: lint, all tests on real servers with the race detector, a short fuzz;"
	@echo "               installs the Debian packages that are missing"
	@echo "make lint      gofmt, go vet, staticcheck"
	@echo "make fuzz      all fuzz tests, FUZZ_SECONDS=$(FUZZ_SECONDS) together for each module"
	@echo "make bench     what multidb costs over its child driver, as a table of ratios"
	@echo "make chaos     a load on servers that are killed, frozen, cut off and failed over: what became of every statement"
	@echo "make other-go  all tests with the other supported release of Go, OTHER_GO=$(OTHER_GO), which go downloads"

test:
	.ci/servers
	$(MAKE) lint
	MULTIDB_REQUIRE_SERVERS=1 .ci/each-module go test -race -timeout 8m ./...
	$(MAKE) allocations
	$(MAKE) fuzz FUZZ_SECONDS=30

lint:
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { \
		echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	.ci/each-module go vet ./...
	.ci/each-module go run $(STATICCHECK) ./...

# The race detector allocates, so these were skipped.
allocations:
	go test -run Allocations .
	MULTIDB_REQUIRE_SERVERS=1 go -C integration/libraries test -run 'Allocations$$' ./bench

fuzz:
	.ci/each-module "$(CURDIR)/.ci/fuzz" $(FUZZ_SECONDS)

bench:
	go run ./bench

chaos:
	@failed=; go run ./chaos -errors || failed=yes; \
	go -C integration run ./chaos -errors || failed=yes; test -z "$$failed"

other-go:
	GOTOOLCHAIN=$(OTHER_GO) .ci/each-module go test -timeout 8m ./...
