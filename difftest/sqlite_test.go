//go:build difftest

package difftest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/multidb-go/multidb"
)

// TestSQLite compares with SQLite's own opinion: the program that it compiles a
// statement to. SQLite's suite is in Tcl; its blocks of SQL are run file by file,
// each on a new database, so that the tables are there that the statements name.
func TestSQLite(t *testing.T) {
	if os.Getenv("MULTIDB_SQL") == "" {
		t.Skip("set MULTIDB_SQL to the folder test of SQLite's source")
	}
	folder, err := filepath.Abs(os.Getenv("MULTIDB_SQL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MULTIDB_SQL", folder)
	t.Chdir(t.TempDir()) // the suite attaches files by their names alone
	c, seen := newCount(), map[string]bool{}
	files(t, ".test", func(path, text string) {
		s := sqliteFile{t: t, count: c, seen: seen, db: newSQLite(t)}
		defer s.db.Close()
		for _, block := range tclBlocks(text) {
			s.block(block)
		}
	})
	c.report(t)
}

func newSQLite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db")+"?_pragma=journal_mode(memory)&_pragma=synchronous(0)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

var tclBlock = regexp.MustCompile(`(?:execsql|catchsql|db eval|do_(?:execsql|catchsql|eqp)_test\s+\S+)\s+\{`)

// tclBlocks returns the SQL between the braces of Tcl commands that run it. What
// Tcl would put in first ($name is SQLite's own) is left out.
func tclBlocks(text string) (blocks []string) {
	for _, at := range tclBlock.FindAllStringIndex(text, -1) {
		depth := 1
		for i := at[1]; i < len(text); i++ {
			switch text[i] {
			case '{':
				depth++
			case '}':
				depth--
			}
			if depth == 0 {
				blocks = append(blocks, text[at[1]:i])
				break
			}
		}
	}
	return blocks
}

type sqliteFile struct {
	t     *testing.T
	count *count
	seen  map[string]bool
	db    *sql.DB
}

// block compares and runs the statements of a block. A statement that SQLite calls
// incomplete goes on behind the semicolon.
func (s *sqliteFile) block(text string) {
	statement := ""
	for part := range strings.SplitAfterSeq(text, ";") {
		statement += part
		if strings.Trim(statement, "; \t\r\n") == "" {
			statement = ""
			continue
		}
		readOnly, err := s.compiled(statement)
		switch {
		case err != nil && strings.Contains(err.Error(), "incomplete input"):
			continue
		case err == nil:
			s.compare(statement, readOnly)
		}
		statement = ""
	}
}

var sqliteQuery = regexp.MustCompile(`(?is)^(\s|--[^\n]*\n|/\*.*?\*/)*(SELECT|VALUES|WITH|EXPLAIN)\b`)

// compare looks at a statement once, and runs it if it changes something that the
// next ones may need.
func (s *sqliteFile) compare(statement string, readOnly bool) {
	isQuery := sqliteQuery.MatchString(statement)
	if !s.seen[statement] {
		s.seen[statement] = true
		why := ""
		if !readOnly {
			why = "a program that writes"
		}
		verdict := multidb.Classify(multidb.SQLite, statement)
		s.count.add(s.t, statement, verdict, readOnly && isQuery)
		s.count.noRead(s.t, statement, verdict, why)
	}
	if !readOnly || !isQuery {
		ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
		defer cancel()
		_, _ = s.db.ExecContext(ctx, statement)
	}
}

// compiled reports whether the program of a statement leaves the database as it
// is, in the manner of sqlite3_stmt_readonly.
func (s *sqliteFile) compiled(statement string) (readOnly bool, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
	defer cancel()
	explain := "EXPLAIN " + statement
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(statement)), "EXPLAIN") {
		explain = statement
	}
	rows, err := s.db.QueryContext(ctx, explain)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil || len(columns) < 8 {
		return true, err // EXPLAIN QUERY PLAN
	}
	readOnly = true
	for rows.Next() {
		var addr, p1, p2, p3 int
		var opcode string
		var p4, p5, comment any
		if err := rows.Scan(&addr, &opcode, &p1, &p2, &p3, &p4, &p5, &comment); err != nil {
			return false, err
		}
		switch opcode {
		case "Transaction":
			readOnly = readOnly && p2 == 0
		case "JournalMode":
			readOnly = readOnly && p3 == -1 // it only asks
		case "Checkpoint", "Vacuum", "VUpdate", "VCreate", "VDestroy":
			readOnly = false
		}
	}
	return readOnly, rows.Err()
}
