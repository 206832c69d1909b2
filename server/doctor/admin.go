package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"pumpd/server/config"
)

// AdminURL is that of the status page of a configuration's pump, for programs on its machine.
func AdminURL(cfg *config.Server) string {
	scheme := "http"
	if cfg.AdminTLS {
		scheme = "https"
	}
	return scheme + "://" + config.Local(cfg.Admin) + "/"
}

// AskAdmin gets what the admin of a configuration's pump has at a path without the first slash. The pump runs on this
// machine, or not at all: no proxy is asked, and no redirect followed. What the certificate is for does not matter
// either, for nothing secret is sent, and it is hardly for 127.0.0.1. The caller closes the body.
func AskAdmin(ctx context.Context, cfg *config.Server, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, AdminURL(cfg)+path, nil)
	if err != nil {
		return nil, fmt.Errorf("admin %s: %w", cfg.Admin, err)
	}
	client := http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do(r)
}
