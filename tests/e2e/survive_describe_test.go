package e2e

import (
	"fmt"
	"io"
	"net/http"
)

// describe asks for a stream's header.
func describe(addr, stream string) ([]byte, error) {
	answer, conn, in, err := get(addr, streamPath(stream), agentOld, "Pragma: no-cache,request-context=1\r\n")
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	defer conn.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("describe: %s", answer.Status)
	}
	body, err := io.ReadAll(in)
	if err != nil || len(body) < 12 {
		return nil, fmt.Errorf("describe: %d bytes, error %w", len(body), err)
	}
	return body[12:], nil
}
