package codec

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// What stands before us, or behind, reads requests as net/http does. Where one request ends and what it asks for must
// be the same to both: else somebody could hide a request in another one's body, past a proxy that decides who may
// push. Nor may there be two hosts to choose from.
func FuzzRequestBesideNetHTTP(f *testing.F) {
	for _, c := range requests {
		addSeed(f, []byte(c.in))
	}
	for _, in := range readCaptures(f, "request") {
		addSeed(f, in[:min(len(in), 1024)])
	}
	for _, head := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: a\r\nhOST:\r\n\r\n",
		"GET /a%2e/b?c#d HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		addSeed(f, []byte(head))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var ours Request
		n, err := ParseRequest(in, 16<<10, &ours)
		if err != nil {
			return // what we refuse ends the connection
		}
		in = in[:n]
		rest := bytes.NewReader(in)
		r := bufio.NewReaderSize(rest, len(in)+16)
		theirs, err := http.ReadRequest(r)
		if err != nil {
			if smuggles(err) {
				t.Fatalf("net/http: %v, we take it: %q", err, in)
			}
			return
		}
		if left := r.Buffered() + rest.Len(); left > 0 {
			t.Errorf("the head ends %d bytes later to us", left)
		}
		if theirs.Method != string(ours.Method) {
			t.Errorf("method %q, to net/http %q", ours.Method, theirs.Method)
		}
		chunked := len(theirs.TransferEncoding) > 0
		if chunked != ours.Chunked || !chunked && bodyLength(theirs) != max(0, ours.ContentLength) {
			t.Errorf("body: chunked %t, length %d; to net/http %v, %d", ours.Chunked, ours.ContentLength,
				theirs.TransferEncoding, theirs.ContentLength)
		}
	})
}

// smuggles says whether an error of net/http's is that nobody can know where the body ends, or for which host it is. Of
// several Content-Lengths it wants the same digits, and we the same number; identity, which says nothing, it does not
// know.
func smuggles(err error) bool {
	text := strings.ToLower(err.Error())
	for _, harmless := range []string{"multiple content-length", `unsupported transfer encoding: "identity"`} {
		if strings.Contains(text, harmless) {
			return false
		}
	}
	if _, line, malformed := strings.Cut(text, `malformed mime header line: "`); malformed {
		name, _, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		return name == "content-length" || name == "transfer-encoding"
	}
	return strings.Contains(text, "content-length") || strings.Contains(text, "transfer encoding") ||
		strings.Contains(text, "too many host")
}

// bodyLength is 0 of a request that says nothing of its body: it has none.
func bodyLength(r *http.Request) int64 {
	return max(0, r.ContentLength)
}
