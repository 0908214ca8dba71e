package testdb

import (
	"context"
	"errors"
	"sync"
	"time"
)

// startLimit is how long a cluster of a few servers may take to start.
const startLimit = time.Minute

// cluster is a primary and the servers that replicate it, in one folder.
type cluster struct {
	primary  *Server
	copies   []*Server
	folder   *folder
	stopOnce sync.Once
}

// Primary is the server that took writes when the cluster was started.
func (c *cluster) Primary() *Server { return c.primary }

// Stop ends all servers at once and removes their data.
func (c *cluster) Stop() {
	c.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		inParallel(c.servers(), func(s *Server) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.end(ctx, s.program.immediate()) // an error here means: killed
		})
		c.folder.remove()
		live.remove(c)
	})
}

func (c *cluster) servers() []*Server {
	return append([]*Server{c.primary}, c.copies...)
}

// inParallel calls do for all servers at once and joins the errors.
func inParallel(servers []*Server, do func(s *Server) error) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { errs[i] = do(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// live are the clusters that run; Main stops what is left of them.
var live liveClusters

type liveClusters struct {
	mu  sync.Mutex
	all map[*cluster]bool
}

func (l *liveClusters) add(c *cluster) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*cluster]bool)
	}
	l.all[c] = true
}

func (l *liveClusters) remove(c *cluster) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, c)
}

func (l *liveClusters) stop() {
	l.mu.Lock()
	var all []*cluster
	for c := range l.all {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		c.Stop()
	}
}
