package sqlscan

// copy reads PostgreSQL's COPY. Only to the client it is a read.
func (s *scanner) copy() {
	s.advance()
	toClient, fromQuery := false, s.tok().kind == lparen
	var table dotted
	if fromQuery {
		s.copyQuery()
	} else {
		if s.tok().key == kBinary {
			s.advance()
		}
		if s.tok().kind != word && s.tok().kind != quoted {
			s.facts.mutate("COPY")
			s.facts.TablesKnown = false
			return
		}
		table = s.readPath()
		s.advance()
		if s.tok().kind == lparen {
			for !s.end() && s.tok().kind != rparen {
				s.advance()
			}
			s.advance()
		}
	}
	from := s.tok().key == kFrom
	if s.tok().key == kTo {
		s.advance()
		toClient = s.is("stdout")
	}
	if table.parts > 0 {
		s.table(table, from)
	}
	if !toClient {
		s.facts.mutate("COPY")
	}
	for !s.end() {
		if s.advance(); s.tok().key == kWhere {
			s.expressions()
		}
	}
}

// copyQuery reads the query in COPY (query) TO.
func (s *scanner) copyQuery() {
	s.openFirst(inQuery, atStart)
	s.naming = 0
	for !s.done() && s.tok().kind != semicolon {
		s.step()
		if len(s.frames) == 1 && s.tok().kind == rparen {
			s.advance()
			return
		}
		s.advance()
	}
}
