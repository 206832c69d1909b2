package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func (f *document) checkAccessLog(c *Server) {
	f.oneOf("server.access_format", c.AccessFormat, "combined", "json", "w3c")
	if c.AccessInterval != 0 {
		f.between("server.access_interval", c.AccessInterval, time.Second, 24*time.Hour)
		if c.AccessLog == "" {
			f.wrong("server.access_interval", "%s, but there is no access_log", c.AccessInterval)
		}
	}
	if c.AccessLog == "" || c.AccessLog == AccessStdout {
		return
	}
	if err := appendable(c.AccessLog); err != nil {
		f.wrong("server.access_log", `%v, want "stdout" or a file that pumpd can write`, err)
	}
}

// appendable says why a file cannot be written to, or made. It leaves none.
func appendable(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return writable(filepath.Dir(name))
	}
	if err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		return nil // to open it is to wait for whoever reads it
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
