// Package difftest compares multidb's classification with real parsers: that of
// PostgreSQL itself (cgo) and that of TiDB for MySQL, and runs what we call a
// read on MariaDB and SQLite. It is a module of its own, so that the library does
// not depend on any of them.
//
//	go -C difftest test -tags difftest ./...
//
// The tag keeps the C compiler out of everyday runs. MULTIDB_SQL names a directory
// of .sql and .test files, whose statements are
// compared too: a server's regression suite, say.
package difftest
