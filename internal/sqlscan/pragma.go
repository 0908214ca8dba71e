package sqlscan

// pragma reads SQLite's PRAGMA: some only ask, most also set.
func (s *scanner) pragma() {
	s.advance()
	if !s.isName(s.tok()) {
		s.unknownStatement()
		return
	}
	p := s.readPath()
	name, _ := s.part(&p.last)
	if full, ok := s.name(p); ok && s.isTemporary(p, full) {
		s.facts.raise(Write, "temporary table")
	}
	s.advance()
	switch sets := !s.end(); {
	case pragmaReads[name]:
		s.facts.TablesKnown = false // of one table, or of all
	case !sets && pragmaAsks[name]:
	default:
		s.facts.raise(Session, "PRAGMA "+name)
		if !pragmaSession[name] {
			s.facts.Mutates, s.facts.TablesKnown = true, false
		}
	}
}

func words(list ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range list {
		m[w] = true
	}
	return m
}

var (
	// pragmaReads only ask, even with an argument.
	pragmaReads = words("table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list",
		"foreign_key_list", "foreign_key_check", "database_list", "collation_list", "function_list", "module_list",
		"pragma_list", "compile_options", "integrity_check", "quick_check")

	// pragmaSession change the connection and no data.
	pragmaSession = words("analysis_limit", "automatic_index", "busy_timeout", "cache_size", "cache_spill",
		"case_sensitive_like", "cell_size_check", "checkpoint_fullfsync", "count_changes", "defer_foreign_keys",
		"empty_result_callbacks", "foreign_keys", "full_column_names", "fullfsync", "hard_heap_limit",
		"ignore_check_constraints", "legacy_alter_table", "locking_mode", "max_page_count", "mmap_size",
		"query_only", "read_uncommitted", "recursive_triggers", "reverse_unordered_selects", "secure_delete",
		"short_column_names", "soft_heap_limit", "synchronous", "temp_store", "threads", "trusted_schema",
		"wal_autocheckpoint", "writable_schema")

	// pragmaAsks only ask, if they have no argument.
	pragmaAsks = func() map[string]bool {
		m := words("application_id", "auto_vacuum", "encoding", "freelist_count", "journal_mode",
			"journal_size_limit", "page_count", "page_size", "schema_version", "user_version")
		for name := range pragmaSession {
			m[name] = name != "case_sensitive_like"
		}
		return m
	}()
)
