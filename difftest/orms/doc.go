// Package orms collects what real ORMs, query builders and migration tools send:
// it drives them against real servers through a driver that records every text,
// and runs each text that we call a read on a replica or a read-only connection
// too. It is a module of its own, for the sake of its dependencies.
//
//	go -C difftest/orms test ./...          # run what is a read where nothing else can run
//	go -C difftest/orms test ./... -update  # and write the texts to ../testdata/orms
//
// The texts are what the tests of package difftest compare with other parsers.
package orms
