package main

func Example() {
	main()
	// Output:
	// One *sql.DB, three engines. What runs where?
	//
	// Writes to the primary, reads to a replica
	//
	//   STATEMENT                                     ENGINE     ANSWER   REASON
	//   CREATE TABLE orders (id INTEGER PRIMARY K...  primary             write (CREATE)
	//   INSERT INTO orders (item) VALUES (?)          primary             write (INSERT)
	//   SELECT count(*) FROM orders                   replica1   1        read
	//   WITH last AS (SELECT max(id) AS id FROM o...  replica1   tea      read
	//   INSERT INTO orders (item) VALUES ('cake')...  primary    2        write (INSERT)
	//
	// Explicit selection: the context chooses an engine for a unit of work
	//
	//   STATEMENT                                     ENGINE     ANSWER   REASON
	//   CREATE TABLE orders (id INTEGER PRIMARY K...  legacy              chosen by context
	//   INSERT INTO orders (item) VALUES (?)          legacy              in transaction
	//   ... the transaction failed (something went wrong) and was rolled back
	//   SELECT count(*) FROM orders                   legacy     0        chosen by context
	//   SELECT count(*) FROM orders                   primary    2        chosen by context
	//
	// A transaction sticks to its engine, and never moves to another
	//
	//   STATEMENT                                     ENGINE     ANSWER   REASON
	//   INSERT INTO orders (item) VALUES (?)          primary             in transaction
	//   SELECT count(*) FROM orders                   primary    3        in transaction
	//   SELECT count(*) FROM orders                   -          REFUSED  the open transaction is on another engine
	//   SELECT count(*) FROM orders                   -          REFUSED  the open transaction is in another database
	//   DELETE FROM orders                            -          REFUSED  not a read, and the engine is a replica
	//
	// Routing rules: INSERT, UPDATE and DELETE to one database, the rest to another
	//
	//   STATEMENT                                     ENGINE     ANSWER   REASON
	//   INSERT INTO orders (item) VALUES (?)          secondary           write (INSERT), database by rule 1
	//   UPDATE orders SET item = 'marmalade'          secondary           write (UPDATE), database by rule 1
	//   SELECT count(*) FROM orders                   primary    3        no replica to read from
	//   SELECT count(*) FROM orders                   secondary  1        no replica to read from, database by context
	//
}
