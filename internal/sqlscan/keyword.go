package sqlscan

import "strings"

// keyword is a word that the walk over a text looks at. All others are names.
type keyword uint8

// A word is in this table if some decision depends on it; most of SQL's
// keywords are not. What follows a name is its trait.
const (
	notKeyword keyword = iota

	// Verbs: they begin a statement.
	kSelect
	kValues
	kTable
	kWith
	kInsert
	kUpdate
	kDelete
	kMerge
	kReplace
	kExplain
	kDescribe
	kDesc
	kShow
	kAnalyze
	kAnalyse

	// Clauses.
	kFrom
	kInto
	kWhere
	kGroup
	kHaving
	kOrder
	kLimit
	kOffset
	kFetch
	kWindow
	kReturning
	kUnion
	kIntersect
	kExcept
	kMinus
	kOn
	kUsing
	kSet
	kDo
	kConflict
	kDuplicate
	kBy

	// Table references.
	kJoin
	kStraightJoin
	kLeft
	kRight
	kFull
	kInner
	kOuter
	kCross
	kNatural
	kLateral
	kOnly
	kTablesample
	kPartition
	kUse
	kForce
	kIgnore
	kIndex
	kKey
	kIndexed
	kOrdinality
	kRepeatable
	kRows

	// Locks.
	kNo
	kShare
	kNowait
	kSkip

	// Expressions.
	kAs
	kAnd
	kOr
	kNot
	kXor
	kDiv
	kIn
	kIs
	kLike
	kIlike
	kRegexp
	kRlike
	kGlob
	kMatch
	kAgainst
	kBetween
	kExists
	kAny
	kAll
	kSome
	kArray
	kRow
	kCase
	kWhen
	kThen
	kElse
	kEnd
	kDistinct
	kNull
	kTrue
	kFalse
	kCast
	kOver
	kFilter
	kWithin
	kSets
	kGrouping
	kOperator
	kColumns
	kMaterialized
	kRecursive
	kInterval
	kSimilar
	kTo
	kOverlaps
	kCollate
	kDefault
	kTemp
	kTemporary
	kUnlogged
	kLocal
	kGlobal
	kMatched
	kBinary
	kSearch
	kCycle
	kIf
	kOf
	kTime
	kZone
	kRollup
	kValue
	kEscape
	kPassing
	kPreface      // a word that an expression may follow directly, but mostly a name
	kModifier     // MySQL: any other word between a verb and its first name
	kSelectOption // MySQL: any other word between SELECT and its list

	// Locks and sequences begin with these.
	kFor
	kLock
	kPath   // NEXT, and other words that an expression may follow directly, but often names
	kPrefix // any other word that an expression may follow directly
	keywordCount

	firstOfLocks = kFor
)

// keywordText has the spelling of each keyword; those that share one meaning
// stand together.
var keywordText = [keywordCount]string{
	kSelect: "select", kValues: "values", kTable: "table", kWith: "with", kInsert: "insert",
	kUpdate: "update", kDelete: "delete", kMerge: "merge", kReplace: "replace",
	kExplain: "explain", kDescribe: "describe", kDesc: "desc", kShow: "show",
	kAnalyze: "analyze", kAnalyse: "analyse",

	kFrom: "from", kInto: "into", kWhere: "where", kGroup: "group", kHaving: "having",
	kOrder: "order", kLimit: "limit", kOffset: "offset", kFetch: "fetch", kWindow: "window",
	kReturning: "returning", kUnion: "union", kIntersect: "intersect", kExcept: "except",
	kMinus: "minus", kOn: "on", kUsing: "using", kSet: "set", kDo: "do", kConflict: "conflict",
	kDuplicate: "duplicate", kBy: "by",

	kJoin: "join", kStraightJoin: "straight_join", kLeft: "left", kRight: "right", kFull: "full",
	kInner: "inner", kOuter: "outer", kCross: "cross", kNatural: "natural", kLateral: "lateral",
	kOnly: "only", kTablesample: "tablesample", kPartition: "partition", kUse: "use",
	kForce: "force", kIgnore: "ignore", kIndex: "index", kKey: "key", kIndexed: "indexed",
	kOrdinality: "ordinality", kRepeatable: "repeatable", kRows: "rows range groups",

	kFor: "for", kNo: "no", kShare: "share", kLock: "lock", kNowait: "nowait", kSkip: "skip",

	kAs: "as", kAnd: "and", kOr: "or", kNot: "not", kXor: "xor", kDiv: "div", kIn: "in", kIs: "is",
	kLike: "like", kIlike: "ilike", kRegexp: "regexp", kRlike: "rlike", kGlob: "glob",
	kMatch: "match", kAgainst: "against", kBetween: "between", kExists: "exists", kAny: "any",
	kAll: "all", kSome: "some", kArray: "array", kRow: "row", kCase: "case", kWhen: "when",
	kThen: "then", kElse: "else", kEnd: "end", kDistinct: "distinct", kNull: "null",
	kTrue: "true", kFalse: "false", kCast: "cast", kOver: "over", kFilter: "filter",
	kWithin: "within", kSets: "sets", kGrouping: "grouping", kOperator: "operator",
	kColumns: "columns", kMaterialized: "materialized", kRecursive: "recursive",
	kInterval: "interval", kSimilar: "similar", kTo: "to", kOverlaps: "overlaps",
	kCollate: "collate", kDefault: "default", kTemp: "temp", kTemporary: "temporary",
	kUnlogged: "unlogged", kLocal: "local", kGlobal: "global persist persist_only", kMatched: "matched",
	kBinary: "binary", kSearch: "search", kCycle: "cycle", kIf: "if", kOf: "of",
	kTime: "time", kZone: "zone", kRollup: "rollup", kValue: "value",

	kEscape: "escape", kPassing: "passing",
	kPath:     "first next path document content",
	kPrefix:   "symmetric asymmetric placing variadic both leading trailing sounds mod",
	kPreface:  "ref version timestamp transaction",
	kModifier: "low_priority high_priority delayed quick",
	kSelectOption: "distinctrow sql_no_cache sql_cache sql_calc_found_rows sql_small_result " +
		"sql_big_result sql_buffer_result unique",
}

// reserved are the keywords that no dialect takes for a name. The others are
// keywords only where the walk expects them.
var reserved = [keywordCount]bool{
	kSelect: true, kTable: true, kWith: true, kFrom: true, kInto: true, kWhere: true, kGroup: true,
	kHaving: true, kOrder: true, kLimit: true, kUnion: true, kOn: true, kUsing: true, kJoin: true,
	kNatural: true, kAs: true, kAnd: true, kOr: true, kNot: true, kIn: true, kIs: true, kCase: true,
	kWhen: true, kThen: true, kElse: true, kDistinct: true, kNull: true, kCast: true, kTo: true,
	kFor: true, kAll: true, kDefault: true,
}

// endsOperand are the words that an operand may end with: names, and the
// keywords that are values or that are often used as names. Those that stand before
// an expression somewhere are not among them: ROWS f() PRECEDING, VALUE f(), AS OF f().
var endsOperand = [keywordCount]bool{
	notKeyword: true, kEnd: true, kNull: true, kTrue: true, kFalse: true,
	kKey: true, kTime: true, kShare: true, kNo: true, kLock: true, kSkip: true,
	kLocal: true, kGlobal: true, kTemp: true, kSearch: true, kCycle: true, kIgnore: true,
	kForce: true, kUse: true, kIndex: true, kPartition: true, kReplace: true, kMatched: true,
	kRow: true, kIf: true, kRollup: true,
}

// mayEndOperand are the words that may stand before an expression, but are names
// where an operand begins, as behind one of those in beginsOperand: WHERE path LIKE (x),
// but XMLTABLE (... COLUMNS a text PATH like(x)).
var (
	mayEndOperand = [keywordCount]bool{kPath: true, kPreface: true, kValue: true}
	beginsOperand = [keywordCount]bool{
		kSelect: true, kWhere: true, kAnd: true, kOr: true, kOn: true, kHaving: true, kWhen: true, kThen: true, kElse: true,
		kNot: true, kDistinct: true, kCase: true, kReturning: true,
	}
)

// keywordWords has all spellings, keywordOf the keyword of each.
var keywordWords, keywordOf = func() (table *wordTable, keys []keyword) {
	var words []string
	for key, texts := range keywordText {
		for text := range strings.FieldsSeq(texts) {
			words, keys = append(words, text), append(keys, keyword(key))
		}
	}
	return newWordTable(words), keys
}()

// The keywords are no shorter and no longer than this.
const (
	longestWord  = 24
	shortestWord = 2
)

// lookup returns the keyword that s spells, in letters of any case.
func lookup(s string) keyword {
	if len(s) > longestWord {
		return notKeyword
	}
	if i := keywordWords.find(s); i >= 0 {
		return keywordOf[i]
	}
	return notKeyword
}

// shortKeywords are the keywords of up to eight letters, as numbers. Such a word is
// compared at once: a name has no byte but a letter that is a small letter with the
// bit of small letters set, and none but _ that is 0x7f then.
var shortKeywords = func() (t [1 << shortBits]shortKeyword) {
	for i, text := range keywordWords.words {
		if len(text) > 8 {
			continue
		}
		w := shortWord(load8(text+"\x00\x00\x00\x00\x00\x00\x00\x00"), len(text))
		n := shortHash(w)
		for t[n].word != 0 {
			n = (n + 1) % (1 << shortBits)
		}
		t[n] = shortKeyword{w, keywordOf[i]}
	}
	return t
}()

type shortKeyword struct {
	word uint64
	key  keyword
}

const shortBits = 9

func shortWord(w uint64, n int) uint64 { return (w | 0x2020202020202020) & (1<<(8*n) - 1) }

func shortHash(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - shortBits) }

// keywordAt is lookup for the name text[from:end].
func keywordAt(text string, from, end int) keyword {
	if end-from > 8 || len(text)-from < 8 {
		return lookup(text[from:end])
	}
	w := shortWord(load8(text[from:]), end-from)
	for i := shortHash(w); ; i++ {
		switch k := &shortKeywords[i%(1<<shortBits)]; k.word {
		case w:
			return k.key
		case 0:
			return notKeyword
		}
	}
}
