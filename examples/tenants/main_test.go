package main

func Example() {
	main()
	// Output:
	// 200 databases, 200 to do
	//   done: 199, failed: 1
	//   tenant042: table notes already exists (1)
	//   (the table that is in the way is dropped)
	// 200 databases, 1 to do
	//   done: 200, failed: 0
	// no tenant named: true
	// a name that is none: true
	// nobody's name: true
}
