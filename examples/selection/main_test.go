package main

func Example() {
	main()
	// Output:
	//
	// Rules: changes go to the secondary, all else to the primary
	//    insert    -> secondary  write (INSERT), database by rule 1
	//    select    -> primary    no replica to read from
	//    notes in the primary: 0, in the secondary: 1
	//
	// By hand: a unit of work names its engine
	//    begin     -> primary    chosen by context
	//    insert    -> primary    in transaction
	//    commit    -> primary    in transaction
	//    begin     -> secondary  chosen by context
	//    insert    -> secondary  in transaction
	//    commit    -> secondary  in transaction
	//
	// By hand: what fails is rolled back, there and nowhere else
	//    begin     -> secondary  chosen by context
	//    insert    -> secondary  in transaction
	//    rollback  -> secondary  in transaction
	//    notes in the primary: 1, in the secondary: 1
	//
	// Never: a session whose engine is exchanged while it works, made by hand
	//    begin     -> primary    begin
	//    insert    -> primary    in transaction
	//    rollback  -> primary    in transaction
	//    notes in the primary: 0, in the secondary: 1
	//    the rollback left half of the work behind
	//
	// Never: the same with multidb is refused, and nothing is left behind
	//    begin     -> primary    chosen by context
	//    insert    -> primary    in transaction
	//    insert    -> nowhere    refused
	//    rollback  -> primary    in transaction
	//    notes in the primary: 0, in the secondary: 1
}
