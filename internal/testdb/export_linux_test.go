package testdb

// Folder is the temporary folder of the server's cluster.
func Folder(s *Server) string { return s.folder }

// PIDs are all processes of a server that runs.
func PIDs(s *Server) []int { return append([]int{s.process.pid}, children(s.process.pid)...) }

func Gone(pid int) bool    { return state(pid) == gone }
func Stopped(pid int) bool { return state(pid) == 'T' }
