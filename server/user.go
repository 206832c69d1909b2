package server

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"pumpd/server/privileges"
)

// explainDenied adds to why an address cannot be listened on what an operator may not think of.
func explainDenied(err error) error {
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w; ports below 1024 are root's to open, with user at start only", err)
	}
	return err
}

// becomeUser gives root's privileges up where the configuration says whom to be, now that all ports are open and all
// keys read. Without that root stays root, for containers and first tries, and is told so.
func (s *Server) becomeUser() error {
	cfg := s.config()
	if cfg.Server.User == "" {
		if privileges.IsRoot() {
			s.log.Warn("running as root, which is not needed: set user in [server]")
		}
		return nil
	}
	id, err := privileges.Parse(cfg.Server.User)
	if err != nil {
		return fmt.Errorf("server.user: %w", err)
	}
	if id.Has() {
		return nil
	}
	if err := id.Assume(); err != nil {
		return fmt.Errorf("server.user: %w", err)
	}
	if !privileges.Barred() {
		s.log.Warn("no_new_privs is not set, for the program could not start itself again", "user", id.Name)
	}
	for _, file := range cfg.Files {
		if err := unix.Access(file, unix.R_OK); err != nil {
			s.log.Warn("user cannot read a file, so reloads and renewals will fail", "user", id.Name, "file", file, "err",
				err)
		}
	}
	return nil
}
