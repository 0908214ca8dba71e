//go:build race

package multidb_test

const raceDetector = true
