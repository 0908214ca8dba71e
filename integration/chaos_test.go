package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb/internal/chaos"
	"github.com/multidb-go/multidb/internal/testdb"
)

// Two scenarios of the command chaos on MariaDB, in short rounds.
func TestMariaDBChaos(t *testing.T) {
	for _, s := range chaos.Scenarios {
		if s.Name != "replica-killed" && s.Name != "failover-restart" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			row, err := chaos.Run(ctx, chaos.MariaDB, s, chaos.Multidb(""), chaos.Quick)
			testdb.Need(t, "MariaDB", err)
			for _, fault := range row.Faults() {
				t.Error(fault)
			}
			if t.Failed() {
				t.Log(strings.Join(row.Errors(), "\n"))
			}
		})
	}
}
