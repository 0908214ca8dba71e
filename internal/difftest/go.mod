module github.com/multidb-go/multidb/internal/difftest

go 1.26.0

require (
	github.com/multidb-go/multidb v0.0.0
	github.com/pganalyze/pg_query_go/v6 v6.2.5
	google.golang.org/protobuf v1.33.0
)

require github.com/xwb1989/sqlparser v0.0.0-20180606152119-120387863bf2 // indirect

replace github.com/multidb-go/multidb => ../..
