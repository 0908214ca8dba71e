// Package difftest compares multidb's classification with what others say: the
// parsers of PostgreSQL itself (cgo) and of TiDB for MySQL, and the programs that
// SQLite compiles statements to. And it runs what we call a read on MariaDB and
// SQLite, makes functions of all keywords of the three servers to see that none of
// them is called in a read, and compares the lists of functions with the servers'
// catalogues. It is a module of its own, so that the library does not depend on any
// of them.
//
//	go -C difftest test -tags difftest ./...
//
// It also makes sentences of the grammars of PostgreSQL (if MULTIDB_GRAMMAR names the
// gram.y of its source tree) and of TiDB, most productions about as often as their
// siblings, with the name of an unknown function in the place of each call in turn.
//
//	MULTIDB_GRAMMAR=postgresql-15.18/src/backend/parser/gram.y \
//		go -C difftest test -tags difftest -v -run Grammar . -sentences 400000 -seed 2
//
// The tag keeps the C compiler out of everyday runs. Compared are our own cases
// and what ORMs sent (testdata/orms, which the module orms collects). With
// MULTIDB_SQL, a folder, it is the statements of the files below it instead, and
// the log says how many reads are lost:
//
//	MULTIDB_SQL=postgresql-15.18/src/test/regress/sql  go -C difftest test -tags difftest -v -run TestPostgres$
//	MULTIDB_SQL=usr/share/mysql/mysql-test             go -C difftest test -tags difftest -v -run TestMySQL$
//	MULTIDB_SQL=sqlite3-3.40.1/test                    go -C difftest test -tags difftest -v -run TestSQLite$
//
// The servers' own suites are not kept here. In Debian, with the line "deb-src
// http://deb.debian.org/debian bookworm main" among apt's sources, they come with
//
//	apt-get source --download-only postgresql-15 sqlite3   # then tar xf *.orig.tar.*
//	apt-get download mariadb-test mariadb-test-data        # then dpkg-deb -x
package difftest
