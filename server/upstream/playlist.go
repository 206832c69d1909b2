package upstream

import (
	"bytes"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// Instead of a stream an upstream may send a playlist that says where the stream is. Windows Media has two kinds,
// whatever they are called (.asx, .wax, .wvx, .asf):
//
//	<ASX version="3.0">                          [Reference]
//	  <base href="mms://a.example/" />           Ref1=http://a.example/live?MSWMExt=.asf
//	  <Entry><Ref HREF="live"/></Entry>          Ref2=http://b.example/live?MSWMExt=.asf
//	  <entryref href='more.asx'/>
//	</asx>
//
// People write the first by hand, so that it is hardly ever XML: tags in any case, tags that do not match, attributes
// without quotes, bare ampersands. What cannot be read is left out.

const (
	maxPlaylist = 64 << 10 // bytes
	maxEntries  = 16       // that are tried; more are better in a playlist that the server makes anew each time
)

// parsePlaylist gives the URLs of a playlist in order, as they are written; none if it is no playlist.
func parsePlaylist(text []byte) []string {
	list := parseASX(string(text))
	if list == nil {
		list = parseReferences(string(bytes.TrimPrefix(text, byteOrderMark)))
	}
	return list[:min(len(list), maxEntries)]
}

// parseReferences reads what follows a line [Reference].
func parseReferences(text string) (list []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = strings.EqualFold(line, "[Reference]")
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if value = strings.TrimSpace(value); inside && value != "" && isReference(name) {
			list = append(list, value)
		}
	}
	return list
}

// isReference is true of Ref1, Ref2 and so on.
func isReference(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	digits, ok := strings.CutPrefix(name, "ref")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// What an ASX is read by; no parser of XML takes what people write. A quote that is not closed ends with its tag.
var (
	asxComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	asxTag     = regexp.MustCompile(`<(/?)([a-zA-Z]+)((?:[^<>'"]|"[^"<>]*"|'[^'<>]*')*)>`)
	asxHref    = regexp.MustCompile(`(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))`)
	asxEntity  = regexp.MustCompile(`&(?:#[0-9]+|#[xX][0-9a-fA-F]+|amp|lt|gt|quot|apos);`)
)

// parseASX reads the hrefs of ref and entryref, none if there is something else than asx around them.
func parseASX(text string) (list []string) {
	base, event := "", false
	tags := asxTag.FindAllStringSubmatch(asxComment.ReplaceAllString(text, ""), -1)
	for i, t := range tags {
		name := strings.ToLower(t[2])
		if i == 0 && name != "asx" {
			return nil
		}
		switch href := hrefOf(t[3]); {
		case name == "event": // what is in it waits for something that does not happen
			event = t[1] == ""
		case name == "base":
			base = href
		case (name == "ref" || name == "entryref") && href != "" && !event:
			list = append(list, onBase(base, href))
		}
	}
	return list
}

// hrefOf finds an href among the attributes of a tag.
func hrefOf(attributes string) string {
	m := asxHref.FindStringSubmatch(strings.TrimSuffix(attributes, "/"))
	if m == nil {
		return ""
	}
	return strings.TrimSpace(asxEntity.ReplaceAllStringFunc(m[1]+m[2]+m[3], html.UnescapeString))
}

// onBase is what href means where there is a <base>.
func onBase(base, href string) string {
	b, err := url.Parse(base)
	if base == "" || err != nil {
		return href
	}
	u, err := b.Parse(href)
	if err != nil {
		return href
	}
	return u.String()
}

// readText reads a body to its end, or up to max bytes and one; where something goes wrong what came before counts.
func (w *window) readText(max int) []byte {
	for len(w.bytes()) <= max && w.fill() == nil {
	}
	return w.bytes()[:min(len(w.bytes()), max+1)]
}
