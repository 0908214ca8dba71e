package testdb

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// Occupy takes connections of db until its server has none left, and goes on to
// take each that becomes free. It returns when the server has refused one. The
// caller must release them and close db, which keeps idle ones.
func Occupy(ctx context.Context, db *sql.DB) (release func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	full := make(chan struct{})
	var once sync.Once
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { occupy(ctx, db, func() { once.Do(func() { close(full) }) }) })
	}
	release = func() {
		cancel()
		running.Wait()
	}
	select {
	case <-full:
		return release, nil
	case <-ctx.Done():
		release()
		return nil, ctx.Err()
	}
}

func occupy(ctx context.Context, db *sql.DB, refused func()) {
	var conns []*sql.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	retry := time.NewTicker(2 * time.Millisecond)
	defer retry.Stop()
	for ctx.Err() == nil {
		conn, err := db.Conn(ctx)
		if err == nil {
			conns = append(conns, conn)
			continue
		}
		if ctx.Err() == nil {
			refused()
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
	}
}
