// Package libraries shows that multidb is a drop-in for other people's code:
// each library that Go programs use on database/sql works on it, with reads
// served by replicas and writes by the primary, and answers as it does on the
// child driver alone. It has no code of its own but tests; it is a module so that
// the libraries stay out of everybody else's go.mod.
//
// What holds for a child driver without a library on it is shown in the
// integration module.
package libraries

import (
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
