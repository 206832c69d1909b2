package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"pumpd/server"
	"pumpd/server/config"
	"pumpd/server/doctor"
)

// previewTime is how long a pump that runs may take to say what a reload would do.
const previewTime = 3 * time.Second

// preview prints what a reload would do to the pump that runs by a configuration file, as it says itself: it alone
// knows what it has loaded. Where the admin address of the file is not that of such a pump there is nothing to print.
func preview(cfg *config.Config, file string, to io.Writer) {
	if cfg.Server.Admin == "" {
		return
	}
	p, err := askPreview(&cfg.Server)
	if err != nil || p.File != absolute(file) {
		return
	}
	io.WriteString(to, previewText(p))
}

func askPreview(cfg *config.Server) (p server.Preview, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), previewTime)
	defer cancel()
	res, err := doctor.AskAdmin(ctx, cfg, "api/reload")
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	const most = 1 << 20
	return p, json.NewDecoder(io.LimitReader(res.Body, most)).Decode(&p)
}

// previewText has a line for each kind of change.
func previewText(p server.Preview) string {
	if p.Error != "" {
		return "a reload would be refused:\n" + p.Error + "\n"
	}
	if p.Nothing() {
		return "a reload would change nothing\n"
	}
	text := "a reload would\n"
	for _, part := range []struct {
		what string
		list []string
	}{
		{"add streams", p.Added},
		{"end streams, and send their viewers away", p.Removed},
		{"change streams", p.Changed},
		{"begin the sources of streams anew", p.Sources},
		{"apply", p.Keys},
		{"leave for a restart", p.Restart},
	} {
		if len(part.list) > 0 {
			text += fmt.Sprintf("  %s: %s\n", part.what, strings.Join(part.list, " "))
		}
	}
	return text
}

// absolute is a file's whole path, as far as that can be found out.
func absolute(file string) string {
	if whole, err := filepath.Abs(file); err == nil {
		return whole
	}
	return file
}
