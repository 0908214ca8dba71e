package main

func Example() {
	main()
	// Output:
	//
	// Writes go to the primary
	//    create    -> primary    write (CREATE)
	//    insert    -> primary    write (INSERT)
	//
	// Get and Select go to a replica
	//    select    -> replica1   read
	//    select    -> replica1   read
	//    the first is tea; paid: 1
	//
	// A transaction stays on the primary
	//    begin     -> primary    begin
	//    update    -> primary    in transaction
	//    select    -> primary    in transaction
	//    paid, as the transaction sees it: 2
	//    commit    -> primary    in transaction
}
