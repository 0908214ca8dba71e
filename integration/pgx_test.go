package integration

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/multidb-go/multidb/internal/testdb"
)

var pgxDefault = pgxMode(pgx.QueryExecModeCacheStatement)

// pgx can speak to the server in other ways than that. All but the cache are such
// as work behind PgBouncer.
var pgxModes = []childDriver{
	pgxMode(pgx.QueryExecModeCacheDescribe),
	pgxMode(pgx.QueryExecModeDescribeExec),
	pgxMode(pgx.QueryExecModeExec),
	pgxMode(pgx.QueryExecModeSimpleProtocol),
}

func pgxMode(mode pgx.QueryExecMode) childDriver {
	d := libpq
	d.name, d.driver = "pgx "+mode.String(), "pgx"
	d.servers = func(t testing.TB) servers {
		cluster := testdb.Postgres(t)
		database := cluster.Database(t)
		settings := map[pgx.QueryExecMode]string{
			pgx.QueryExecModeCacheStatement: "cache_statement",
			pgx.QueryExecModeCacheDescribe:  "cache_describe",
			pgx.QueryExecModeDescribeExec:   "describe_exec",
			pgx.QueryExecModeExec:           "exec",
			pgx.QueryExecModeSimpleProtocol: "simple_protocol",
		}
		options := "?default_query_exec_mode=" + settings[mode]
		s := servers{primary: cluster.Primary().DSN(database) + options, catchUp: cluster.WaitReplay}
		for _, standby := range cluster.Standbys() {
			s.replicas = append(s.replicas, standby.DSN(database)+options)
		}
		return s
	}
	return d
}

// What pgx takes as an argument, and gives for a type, beyond the values of
// database/sql, it takes and gives through multidb.
func TestPgxTypes(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for _, d := range append(pgxModes, pgxDefault) {
		t.Run(d.name, func(t *testing.T) {
			f := d.open(t, nil)
			f.exec("CREATE TYPE mood AS ENUM ('sad', 'happy')")
			f.exec("CREATE TYPE point3 AS (x int, y int, z int)")
			for _, query := range []string{
				"SELECT ARRAY[1, NULL, 3], ARRAY['a', 'b,c'], ARRAY[[1, 2], [3, 4]], '{}'::int[], ARRAY[true]",
				`SELECT '{"a": [1, null]}'::json, '{"a": [1, null]}'::jsonb, 'null'::jsonb, NULL::jsonb`,
				"SELECT '\\x00ff'::bytea, ''::bytea, 12.50::numeric, 'NaN'::numeric, 1e30::numeric, 1::money, 1.5::real, 'Infinity'::float8",
				"SELECT '2024-02-29 12:34:56.789+02'::timestamptz, 'infinity'::timestamp, '2024-02-29'::date, '12:34'::time, '12:34+02'::timetz, '1 mon 2 days'::interval",
				"SELECT 'happy'::mood, ROW(1, 2, 3)::point3, '[1,5)'::int4range, '10.0.0.1/8'::inet, '08:00:2b:01:02:03'::macaddr, '(1,2)'::point, B'101'::bit(3)",
				"SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'ch'::char(5), 'n'::name, 42::oid, '<a/>'::xml, 'a:1'::tsvector, 'x'::\"char\"",
			} {
				f.sameQuery(query)
			}
			for _, c := range []struct {
				cast string
				arg  any
			}{
				{"int[]", []int32{1, 2}}, {"text[]", []string{"a", "b,c"}}, {"text[]", []string(nil)}, {"bigint[]", []*int64{nil}},
				{"jsonb", map[string]any{"a": 1}}, {"jsonb", json.RawMessage(`{"a": 1}`)}, {"jsonb", `{"a": 1}`}, {"json", []byte("[1]")},
				{"bytea", []byte{0, 255}}, {"bytea", []byte(nil)}, {"numeric", "12.50"}, {"numeric", 12.5}, {"numeric", "x"},
				{"timestamptz", time.Date(2024, 2, 29, 12, 34, 56, 789000, berlin)}, {"timestamp", time.Date(2024, 2, 29, 12, 34, 56, 0, berlin)},
				{"interval", time.Minute}, {"inet", netip.MustParseAddr("10.0.0.1")}, {"uuid", [16]byte{1}}, {"mood", "happy"}, {"mood", "cross"},
				{"int", uint64(1 << 40)}, {"int", "12"}, {"text", 12}, {"boolean", "maybe"}, {"int", nil}, {"int", struct{}{}}, {"int", make(chan int)},
			} {
				f.sameQuery("SELECT $1::"+c.cast, c.arg)
			}
		})
	}
}
