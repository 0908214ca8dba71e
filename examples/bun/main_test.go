package main

func Example() {
	main()
	// Output:
	//
	// Writes go to the primary, also one that returns rows
	//    create    -> primary    write (CREATE)
	//    create    -> primary    write (CREATE)
	//    insert    -> primary    write (INSERT)
	//
	// RunInTx stays on the primary
	//    begin     -> primary    begin
	//    insert    -> primary    in transaction
	//    select    -> primary    in transaction
	//    orders, as the transaction sees them: 2
	//    commit    -> primary    in transaction
	//
	// Selects and their relations go to a replica
	//    select    -> replica1   read
	//    select    -> replica1   read
	//    Ada has 2 orders
}
