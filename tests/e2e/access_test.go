package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	viewerName     = "ann"
	viewerPassword = "secret-of-ann"
	viewerHash     = "$2a$08$pxkNYL7irc/ZCQ5Xz7GZTuzY0C.pkakWpE.wnnXinF6mibuLZMxgy" // of that, bcrypt's

	signingKey = "0123456789abcdef0123456789abcdef"
)

// private is a stream that only some may watch, by what is added to its table.
func private(path, conditions string) string { return fileStream(path, "") + conditions + "\n" }

func byUsers(secret string) string { return fmt.Sprintf("view_users = [%q]", viewerName+":"+secret) }

var byKeys = fmt.Sprintf("view_keys = [%q]", signingKey)

// signed is the name of a stream with the query that "pumpd sign" gives it, as in a URL.
func signed(t *testing.T, stream string, args ...string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "pump.toml")
	if err := os.WriteFile(config, []byte(private(stream, byKeys)), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"sign", "-c", config}, append(args, "mmsh://any.example:1/streams/"+stream)...)
	code, out := run(t, args...)
	at := strings.Index(out, "/streams/")
	if code != 0 || !strings.HasPrefix(out, "mmsh://any.example:1/streams/") {
		t.Fatalf("pumpd %q: exit code %d, %s", args, code, out)
	}
	return strings.TrimSpace(out[at+len("/streams/"):])
}

// What "pumpd sign" prints is a URL that lets in, and nothing of it is in the log.
func TestSignedURL(t *testing.T) {
	t.Parallel()
	p := startPump(t, "log_level = \"debug\"", private("keys", byKeys))
	good := signed(t, "keys", "-id", "bob", "-ip", "127.0.0.0/8")
	v := watch(t, p.addr, good+"?MSWMExt=.asf", agentWMP)
	if _, err := v.packet(0); err != nil {
		t.Error(err)
	}
	v.conn.Close()
	for _, stream := range []string{"keys", good[:len(good)-1], strings.Replace(good, "bob", "eve", 1),
		signed(t, "keys", "-ip", "192.0.2.1")} {
		answer, conn, _, err := get(p.addr, streamPath(stream), agentHTTP, "")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %s, want 403", stream, answer.Status)
		}
	}
	if !poll(patience, func() bool { return strings.Contains(p.out.tail(100), "viewer=bob") }) {
		t.Error("the access log does not say who it was")
	}
	if _, sum, _ := strings.Cut(good, "&s="); strings.Contains(p.out.tail(1000), sum[:20]) {
		t.Error("the log has the signature")
	}
}

// A pump pulls what only some may watch with the password in its URL, by Digest and, where there is but a hash, by
// Basic; or by a signed URL. A wrong password is told apart from an upstream that is away.
func TestPullWithPassword(t *testing.T) {
	t.Parallel()
	parent := startPump(t, "", private("digest", byUsers(viewerPassword))+private("basic", byUsers(viewerHash))+
		private("keys", byKeys)+private("both", byUsers(viewerPassword)+"\n"+byKeys+"\nview_satisfy = \"any\""))
	from := func(stream, password string) string {
		return fmt.Sprintf("mmsh://%s:%s@%s/streams/%s", viewerName, password, parent.addr, stream)
	}
	child := startPump(t, "", pullStream("digest", from("digest", viewerPassword))+
		pullStream("basic", from("basic", viewerPassword))+pullStream("keys", parent.url("mmsh", signed(t, "keys")))+
		pullStream("both", from("both", viewerPassword))+pullStream("wrong", from("digest", "guess")))
	for _, stream := range []string{"digest", "basic", "keys", "both"} {
		waitLive(t, child.addr, streamPath(stream))
	}
	if !poll(patience, func() bool {
		return strings.Contains(child.out.tail(100), "upstream refuses the credentials of the URL")
	}) {
		t.Errorf("the log does not say that a password is wrong:\n%s", child.out.tail(20))
	}
	for _, p := range []*pump{parent, child} {
		if strings.Contains(p.out.tail(1000), viewerPassword) {
			t.Error("a log has the password")
		}
	}
}
