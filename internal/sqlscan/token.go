package sqlscan

// kind is the kind of a token.
type kind uint8

const (
	eof       kind = iota
	bad            // what the server rejects, or what two servers may read differently
	semicolon      // ;

	word      // a bare identifier or a keyword
	quoted    // a quoted identifier
	str       // a string literal
	number    // a numeric literal
	param     // a placeholder: ?1, $1, :name (SQLite), @name (SQLite)
	question  // ?, a placeholder, in PostgreSQL an operator
	userVar   // MySQL: @name
	systemVar // MySQL: @@name
	lparen    // (
	rparen    // )
	lbracket  // [ where it is not a quote
	rbracket  // ]
	comma     // ,
	dot       // .
	cast      // ::
	assign    // :=
	lbrace    // {
	op        // one byte of any other operator
)

// ends reports whether a token of this kind ends a statement.
func (k kind) ends() bool { return k <= semicolon }

// token is one token of a text: its bytes are text[start:end].
type token struct {
	start, end uint32
	kind       kind
	key        keyword // of a word
}
