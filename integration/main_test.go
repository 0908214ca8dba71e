// Package integration shows on real servers that multidb does what its child
// drivers do: each test runs through multidb and, beside it, through the child
// driver alone. It has no code of its own but tests; it is a module so that the
// drivers stay out of the library's go.mod.
//
// A further driver is an entry in drivers (drivers_test.go).
package integration

import (
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
