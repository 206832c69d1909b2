package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/netip"
	"strings"

	"pumpd/codec"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// A browser plays none of this: it would save a stream for ever. So whoever looks like one gets a page with links that
// players open, and each stream has a playlist beside it, /streams/NAME.asx, that they open as well.

// maxLinks is how many streams the page of all of them has.
const maxLinks = 200

// isBrowser says that a person is at the other end and wants something to read. Players do not say text/html, and those
// that call themselves Mozilla as well do not either; what speaks MMSH is none in any case.
func isBrowser(x exchange) bool {
	name := codec.ParseAgent(x.UserAgent).Token
	return x.want == wantRaw && x.Range == nil && x.HTML && bytes.EqualFold(name, []byte("Mozilla")) &&
		!isPlayer(x.UserAgent)
}

// isPlayer says that something in a User-Agent names a player.
func isPlayer(agent []byte) bool {
	lower := bytes.ToLower(agent[:min(len(agent), 512)])
	for _, name := range []string{
		"nsplayer", "wmfsdk", "windows-media", "vlc", "lavf", "libav", "mplayer", "mpv", "gstreamer", "xine", "itunes",
		"quicktime", "winamp", "foobar", "kodi", "totem",
	} {
		if bytes.Contains(lower, []byte(name)) {
			return true
		}
	}
	return false
}

// showsLinks answers a browser, and whoever asks for a playlist; false: the request is somebody else's.
func (l *loop) showsLinks(c *conn, x exchange) bool {
	if x.onPush || x.want != wantRaw && x.want != wantDescribe {
		return false
	}
	listed := l.playlistOf(x)
	if listed == nil && !isBrowser(x) {
		return false
	}
	at := placeOf(c, x)
	switch {
	case listed != nil && at.host != "":
		l.page(c, x, "video/x-ms-asx", at.playlist(listed))
	case x.stream != nil:
		l.page(c, x, htmlType, linkPage(x.stream.Config().Heading(), at.links(x.stream)))
	case string(x.Path) == "/" && l.limits.redirect404 == "":
		l.page(c, x, htmlType, linkPage("Streams", l.list()))
	default:
		return false
	}
	return true
}

const htmlType = "text/html; charset=utf-8"

// playlistOf is the stream whose playlist a path names. A stream may have such a name itself.
func (l *loop) playlistOf(x exchange) *stream.Stream {
	path, ok := bytes.CutSuffix(x.Path, []byte(".asx"))
	if !ok || x.stream != nil {
		return nil
	}
	st, push := streamAt(l.reg, path)
	if push {
		return nil
	}
	return st
}

// page answers with a document.
func (l *loop) page(c *conn, x exchange, media, text string) {
	keep := stays(x.Request, x.dialect.Keep)
	b := l.head(x.Minor, 200, viewerServer)
	b = codec.AppendField(b, "Content-Type", media)
	b = codec.AppendField(b, "Content-Security-Policy", linkPolicy)
	b = codec.AppendField(b, "X-Content-Type-Options", "nosniff")
	b = codec.AppendField(b, "Vary", "Accept, User-Agent")
	b = codec.AppendIntField(b, "Content-Length", int64(len(text)))
	if isHead(x.Method) {
		text = ""
	}
	l.send(c, appendConnection(b, keep), []byte(text))
	l.finish(c, keep)
}

// A place is where the requester has found us, for links. Its query goes on with them: it may be signed.
type place struct {
	host   string // with its port; "" it did not say, or nothing that could be a host
	secure bool
	query  string // with its ?
}

func placeOf(c *conn, x exchange) place {
	at := place{host: string(x.Host), secure: c.secure()}
	if !isHostPort(at.host) {
		at.host = ""
	}
	if len(x.Query) > 0 {
		at.query = "?" + string(x.Query)
	}
	return at
}

// isHostPort is true of a name or an address, IPv6 in brackets, with a port or without.
func isHostPort(s string) bool {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Zone() == ""
	}
	host, port, found := strings.Cut(s, ":")
	digits := func(r rune) bool { return r < '0' || r > '9' }
	if strings.HasPrefix(s, "[") {
		a, err := netip.ParseAddr(strings.Trim(s, "[]"))
		return err == nil && a.Zone() == "" && strings.HasSuffix(s, "]")
	}
	return s != "" && upstream.IsHost(host) && (!found || len(port) <= 5 && !strings.ContainsFunc(port, digits))
}

// urls are a stream's, for players that know MMSH by its name, and for others.
func (at place) urls(st *stream.Stream) (mmsh, plain string) {
	rest := "://" + at.host + "/streams/" + st.Config().Path + at.query
	if at.secure {
		return "mmshs" + rest, "https" + rest
	}
	return "mmsh" + rest, "http" + rest
}

// playlist is what Windows Media Player and others open. It tries mms, which falls back to MMSH, then HTTP.
func (at place) playlist(st *stream.Stream) string {
	mmsh, plain := at.urls(st)
	first := "mms" + strings.TrimPrefix(mmsh, "mmsh")
	if at.secure {
		first = mmsh
	}
	return fmt.Sprintf("<asx version=\"3.0\">\r\n<title>%s</title>\r\n<entry>\r\n<ref href=\"%s\"/>\r\n"+
		"<ref href=\"%s\"/>\r\n</entry>\r\n</asx>\r\n", html.EscapeString(st.Config().Heading()), html.EscapeString(first),
		html.EscapeString(plain))
}

// links are what there is to click on a stream's page.
func (at place) links(st *stream.Stream) string {
	asx := html.EscapeString("/streams/" + st.Config().Path + ".asx" + at.query)
	s := "<p>" + stateOf(st) + "</p>\n<p><a class=\"play\" href=\"" + asx + "\">Play</a> opens it in a player.</p>\n"
	if at.host == "" {
		return s
	}
	s += "<p>Or open one of these in VLC, mpv, ffplay or Windows Media Player:</p>\n<ul>\n"
	mmsh, plain := at.urls(st)
	for _, url := range []string{mmsh, plain} {
		s += fmt.Sprintf("<li><a href=\"%s\">%[1]s</a></li>\n", html.EscapeString(url))
	}
	return s + "</ul>\n"
}

func stateOf(st *stream.Stream) string {
	if st.Up() != nil {
		return "It is live."
	}
	return "Nothing is sent to it at present."
}

// list has the streams that are live and that everybody may watch.
func (l *loop) list() string {
	var s strings.Builder
	n := 0
	for _, st := range l.reg.Streams() {
		if r, ok := l.node.viewing.of(st); !ok || r.Policy != nil || st.Up() == nil {
			continue
		}
		if n++; n > maxLinks {
			break
		}
		fmt.Fprintf(&s, "<li><a href=\"/streams/%s\">%s</a></li>\n", html.EscapeString(st.Config().Path),
			html.EscapeString(st.Config().Heading()))
	}
	if n == 0 {
		return "<p>Nothing is live at present.</p>\n"
	}
	return "<ul>\n" + s.String() + "</ul>\n"
}

const linkStyle = `:root{color-scheme:light dark}body{margin:10vh auto;max-width:34rem;padding:0 1rem;` +
	`font:1.05rem/1.5 system-ui,sans-serif}h1{overflow-wrap:anywhere}li{overflow-wrap:anywhere;padding:.15rem 0}` +
	`.play{display:inline-block;padding:.4rem 1.4rem;border:2px solid;border-radius:.4rem;text-decoration:none}`

var linkPolicy = func() string {
	sum := sha256.Sum256([]byte(linkStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// linkPage is a page around what is escaped already.
func linkPage(title, body string) string {
	title = html.EscapeString(title)
	return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + title + "</title>\n" +
		"<style>" + linkStyle + "</style></head>\n<body>\n<h1>" + title + "</h1>\n" + body + "</body></html>\n"
}
