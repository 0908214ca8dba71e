package testdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// Failover as an operator does it, so that no acknowledged write is lost by the
// servers: what is lost then was lost by the program.

// Synchronous makes the primary acknowledge a write only when a standby has it.
func (c *PostgresCluster) Synchronous(ctx context.Context) error {
	if err := exec1(ctx, c.primary, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'"); err != nil {
		return err
	}
	return exec1(ctx, c.primary, "SELECT pg_reload_conf()")
}

// FailOver kills the primary, promotes the standby that has received most, lets
// the other standbys follow it, and returns it.
func (c *PostgresCluster) FailOver(ctx context.Context) (*Server, error) {
	if err := c.primary.Kill(ctx); err != nil {
		return nil, err
	}
	first, err := c.mostAdvanced(ctx)
	if err != nil {
		return nil, err
	}
	if err := first.Promote(ctx); err != nil {
		return nil, err
	}
	return first, inParallel(c.copies, func(s *Server) error {
		if s == first {
			return nil
		}
		// The text has no quotes.
		if err := exec1(ctx, s, "ALTER SYSTEM SET primary_conninfo = '"+socketDSN(first)+"'"); err != nil {
			return err
		}
		return exec1(ctx, s, "SELECT pg_reload_conf()")
	})
}

// mostAdvanced waits until the standbys have taken in all that a dead primary had
// sent.
func (c *PostgresCluster) mostAdvanced(ctx context.Context) (first *Server, err error) {
	var most int64 = -1
	for _, s := range c.copies {
		var received int64
		err := withConn(ctx, s, func(conn *pgx.Conn) error {
			err := poll(ctx, func() (ended bool, err error) {
				err = conn.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')").Scan(&ended)
				return ended, err
			})
			if err != nil {
				return err
			}
			return conn.QueryRow(ctx, "SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0'), 0)::bigint").Scan(&received)
		})
		if err != nil {
			return nil, err
		}
		if received > most {
			first, most = s, received
		}
	}
	if first == nil {
		return nil, errors.New("multidb: there is no standby to promote")
	}
	return first, nil
}

// StartStranger starts the old primary after FailOver. It takes writes that no
// other server will ever have.
func (c *PostgresCluster) StartStranger(ctx context.Context) error {
	// It would else wait for standbys that follow another now.
	if err := os.Truncate(filepath.Join(c.primary.data(), "postgresql.auto.conf"), 0); err != nil {
		return fmt.Errorf("multidb: %w", err)
	}
	return c.primary.Start(ctx)
}

// Synchronous makes the primary acknowledge a write only when a replica has it.
func (c *MariaDBCluster) Synchronous(ctx context.Context) error {
	err := inParallel(c.copies, func(s *Server) error {
		_, err := c.programs.query(ctx, s, "SET GLOBAL rpl_semi_sync_slave_enabled = ON; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD")
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.programs.query(ctx, c.primary, `SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC';
		SET GLOBAL rpl_semi_sync_master_timeout = 3600000; SET GLOBAL rpl_semi_sync_master_enabled = ON`)
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		status, err := c.programs.query(ctx, c.primary, "SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'")
		return status == fmt.Sprintf("Rpl_semi_sync_master_clients\t%d", len(c.copies)), err
	})
}

// FailOver kills the primary, promotes the first replica, and returns it.
func (c *MariaDBCluster) FailOver(ctx context.Context) (*Server, error) {
	if len(c.copies) != 1 {
		return nil, errors.New("multidb: failover is for a MariaDB primary with one replica")
	}
	if err := c.primary.Kill(ctx); err != nil {
		return nil, err
	}
	return c.copies[0], c.copies[0].Promote(ctx)
}

// StartStranger starts the old primary after FailOver. It takes writes that no
// other server will ever have.
func (c *MariaDBCluster) StartStranger(ctx context.Context) error { return c.primary.Start(ctx) }

// SetReadOnly makes a server refuse, or take, the writes of app.
func (c *MariaDBCluster) SetReadOnly(ctx context.Context, s *Server, on bool) error {
	_, err := c.programs.query(ctx, s, "SET GLOBAL read_only = "+onOff(on))
	return err
}
