package main

func Example() {
	main()
	// Output:
	//
	// The migration asks the primary what is there, not a replica
	//
	// Writes go to the primary
	//    insert    -> primary    write (INSERT)
	//
	// Queries go to a replica
	//    select    -> replica1   read
	//    not paid: 1
	//
	// A transaction stays on the primary, its reads too
	//    begin     -> primary    begin
	//    update    -> primary    in transaction
	//    select    -> primary    in transaction
	//    select    -> primary    in transaction
	//    not paid, as the transaction sees it: 0
	//    commit    -> primary    in transaction
}
