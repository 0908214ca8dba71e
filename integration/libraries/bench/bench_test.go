package main

import (
	"testing"

	"github.com/multidb-go/multidb/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// multidb adds no allocation to the statements that a library runs.
func TestLibraryAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s, err := openShop(t.Context())
	testdb.Need(t, "PostgreSQL", err)
	defer s.close()
	for _, o := range operations {
		t.Run(o.library+" "+o.name, func(t *testing.T) {
			actions, err := s.actions(o)
			if err != nil {
				t.Fatal(err)
			}
			child, multidb := allocations(actions[0]), allocations(actions[2])
			if multidb > child+o.adds {
				t.Errorf("%v allocations, and %v without multidb", multidb, child)
			}
		})
	}
}
