package multidb

import (
	"context"
	"time"
)

// driver.ErrBadConn says that nothing was sent, and database/sql runs the
// statement again. Two drivers say it of statements that the server may have
// done:
//
//   - pgx calls the lost answer to an Exec without arguments "conn closed", safe
//     to retry;
//   - lib/pq says it whenever its server ends the connection, by end of file or
//     by a FATAL error.
//
// So they are not believed of a write. The other side of it is that a connection
// that died while it was idle would cost a write, too: the write goes out before
// the driver notices. Before it uses a connection again that was idle for a
// second, pgx asks the server. For lib/pq, that is done here.

// saysBadConnOfSent reports whether the child is one of those.
func (ch *child) saysBadConnOfSent() bool { return ch.pgx != nil || ch.pq }

// idleTrust is how long an idle connection is taken to be alive, as with pgx.
const idleTrust = time.Second

// noteIdle is called when the child has no user any more.
func (ch *child) noteIdle() {
	if ch.pq {
		ch.idleSince = time.Now()
	}
}

// checkIdle asks the server, if the child of lib/pq was idle for long, whether
// the connection lives.
func (ch *child) checkIdle(ctx context.Context) error {
	if time.Since(ch.idleSince) < idleTrust {
		return nil
	}
	return ch.ping(ctx)
}
