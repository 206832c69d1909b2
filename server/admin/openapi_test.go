package admin

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/view"
)

// docs/openapi.json is made of the routes, of the types of their answers, and of the comments that those have. The test
// minds that it is up to date:
//
//	go test ./server/admin -run OpenAPI -update

var update = flag.Bool("update", false, "write docs/openapi.json")

const schemaFile = "../../docs/openapi.json"

// documented is what a route is asked and answers, as the schema says it.
var documented = map[string]struct {
	summary    string
	in, answer any // of a POST; of all
	query      []string
	problems   []string // statuses besides those that all have
}{
	"GET /api/v1/stats":          {summary: "The pump as a whole.", answer: statsReport{}},
	"GET /api/v1/streams":        {summary: "All streams.", answer: streamsReport{}},
	"GET /api/v1/streams/{name}": {summary: "One stream.", answer: streamReport{}, problems: []string{"404"}},
	"GET /api/v1/streams/{name}/sources": {summary: "Who has fed it, and why that ended.", answer: sourcesReport{},
		problems: []string{"404"}},
	"GET /api/v1/streams/{name}/viewers": {summary: "A page of its viewers.", answer: viewersReport{}, query: viewerQuery,
		problems: []string{"400", "404", "503"}},
	"GET /api/v1/viewers": {summary: "A page of the viewers of all streams.", answer: viewersReport{},
		query: append([]string{"stream", "path of a stream"}, viewerQuery...), problems: []string{"400", "503"}},
	"GET /api/v1/bans":   {summary: "Who is banned, and until when.", answer: bansReport{}},
	"GET /api/v1/reload": {summary: "What a reload would do, which this does not.", answer: view.Preview{}},
	"GET /api/v1/log":    {summary: "The level of the log.", answer: logLevel{}},
	"POST /api/v1/kick": {summary: "End viewers, as if their stream were over.", in: kickRequest{}, answer: kickReport{},
		problems: []string{"404", "503"}},
	"POST /api/v1/bans": {summary: "Let nobody in from a network, and end who is there. A reload leaves bans as they " +
		"are, a restart forgets them; there may be 10,000.", in: banRequest{}, answer: banReport{},
		problems: []string{"503"}},
	"POST /api/v1/bans/remove": {summary: "End a ban before its time.", in: unbanRequest{}, answer: unbanReport{},
		problems: []string{"404", "503"}},
	"POST /api/v1/reload": {summary: "Read the configuration again, as SIGHUP does. 409: it is refused, and nothing " +
		"has changed.", in: noRequest{}, answer: view.Report{}, problems: []string{"409"}},
	"POST /api/v1/drain": {summary: "End the pump as SIGTERM does: over timeouts.drain, or at once where that is 0.",
		in: noRequest{}, answer: drainReport{}, problems: []string{"503"}},
	"POST /api/v1/log": {summary: "Change the level of the log, until a reload or a restart sets another.", in: logLevel{},
		answer: logLevel{}, problems: []string{"409"}},
}

// viewerQuery is what parseViewerQuery reads, in pairs.
var viewerQuery = []string{
	"address", "an address, or a network such as 192.0.2.0/24",
	"agent", "is in what they call themselves",
	"behind", "true: only those who lack what others have",
	"after", "next of the page before",
	"limit", "of viewers on the page, 1 to 1000, else 100",
}

func TestOpenAPI(t *testing.T) {
	want, err := json.MarshalIndent(newSchema(t).document(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the routes and their types say; run this test with -update", schemaFile)
	}
}

// What is really answered has no field that the schema lacks.
func TestAnswersAreDocumented(t *testing.T) {
	r := newOpsRig(t)
	r.people = []Viewer{{ID: ViewerID{0, 1, 2}}}
	r.feed(0, stream.Push, "192.0.2.1:5", 1).End()
	r.rates.history.look(r.s.Streams.Streams(), uplink{}, r.at, time.Now())
	s := newSchema(t)
	for _, path := range []string{"stats", "streams", "streams/demo", "streams/demo/sources",
		"streams/demo/viewers?limit=1", "bans", "log"} {
		w := r.get("/api/v1/" + path)
		var got any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		pattern := "GET /api/v1/" + strings.Replace(strings.Split(path, "?")[0], "streams/demo", "streams/{name}", 1)
		s.covers(t, path, s.of(reflect.TypeOf(documented[pattern].answer)), got)
	}
}

// What is refused is said as the schema says, whoever refuses it: a route, or what comes before.
func TestRefusalsAreDocumented(t *testing.T) {
	r := newOpsRig(t)
	s := newSchema(t)
	for _, c := range []struct {
		name  string
		w     *httptest.ResponseRecorder
		code  int
		allow string
		text  string
	}{
		{"no such path", r.ask("GET", "/api/v1/strems"), 404, "", `"/api/v1/strems"`},
		{"HEAD of no such path", r.ask("HEAD", "/api/v1/strems"), 404, "", ""},
		{"the root", r.ask("GET", "/api/v1"), 404, "", "openapi.json"},
		{"the root with a slash", r.ask("GET", "/api/v1/"), 404, "", "openapi.json"},
		{"too deep", r.ask("GET", "/api/v1/streams/demo/viewers/x"), 404, "", "not in the API"},
		{"a long one", r.ask("GET", "/api/v1/"+strings.Repeat("x", 9000)), 404, "", "not in the API"},
		{"no such stream", r.ask("GET", "/api/v1/streams/none"), 404, "", "not in the configuration"},
		{"sources of no such stream", r.ask("GET", "/api/v1/streams/none/sources"), 404, "", "not in the configuration"},
		{"a look where there are only changes", r.ask("GET", "/api/v1/kick"), 405, "POST", "GET: want POST"},
		{"a change where there are none", r.ask("POST", "/api/v1/stats"), 405, "GET, HEAD", "POST: want GET, HEAD"},
		{"a change of a stream", r.ask("POST", "/api/v1/streams/demo"), 405, "GET, HEAD", "POST: want GET, HEAD"},
		{"a change of nothing", r.ask("POST", "/api/v1/dran"), 404, "", "not in the API"},
		{"another method at nothing", r.ask("DELETE", "/api/v1/x/y"), 404, "", "not in the API"},
		{"another host", r.askAs("GET", "/api/v1/stats", "evil.example"), 421, "", "evil.example"},
		{"another site", r.askAs("GET", "/api/v1/stats", "localhost", "cross-site"), 403, "", "cross-site"},
		{"nobody", r.ask("POST", "/api/v1/drain"), 401, "", "admin_users"},
	} {
		var got any
		err := json.Unmarshal(c.w.Body.Bytes(), &got)
		if media := c.w.Header().Get("Content-Type"); err != nil || media != "application/json" {
			t.Errorf("%s: %v, as %q: %.200q", c.name, err, media, c.w.Body)
			continue
		}
		s.covers(t, c.name, s.of(reflect.TypeFor[errorReport]()), got)
		if allow := c.w.Header().Get("Allow"); c.w.Code != c.code || allow != c.allow ||
			!strings.Contains(c.w.Body.String(), strings.ReplaceAll(c.text, `"`, `\"`)) {
			t.Errorf("%s: %d, Allow %q, %.200q; want %d, %q, %q", c.name, c.w.Code, allow, c.w.Body, c.code, c.allow, c.text)
		}
	}
}

// A schema is made of Go types.
type schema struct {
	comments map[string]string // of types and their fields, "T" and "T.F"
	named    map[string]any
}

func newSchema(t *testing.T) *schema {
	s := &schema{comments: map[string]string{}, named: map[string]any{}}
	for _, dir := range []string{".", "../view"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, s.read)
		}
	}
	return s
}

// read notes the comments of a type's fields.
func (s *schema) read(n ast.Node) bool {
	spec, ok := n.(*ast.TypeSpec)
	if !ok {
		return true
	}
	if of, ok := spec.Type.(*ast.StructType); ok {
		for _, f := range of.Fields.List {
			for _, name := range f.Names {
				s.comments[spec.Name.Name+"."+name.Name] = strings.TrimSpace(f.Comment.Text())
			}
		}
	}
	return true
}

type object = map[string]any

func (s *schema) document() object {
	paths := object{}
	routes := (&Admin{s: &Subject{}}).routes()
	for _, to := range routes {
		at, _ := paths[to.path].(object)
		if at == nil {
			at = object{}
			paths[to.path] = at
		}
		at[strings.ToLower(to.method)] = s.operation(to)
	}
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "pumpd", "version": "1", "description": "Fields may be added, none goes away or changes " +
			"its meaning. Times are seconds, rates are bits per second over the last five seconds, and counters " +
			"run since the start. Whatever is refused is answered as errorReport, with 404 at a path that is not " +
			"here, 405 for a method that a path does not have, and 403 or 421 for what another site's page asks."},
		"servers": []object{{
			"url": "{scheme}://{address}", "description": "admin, with admin_tls over https",
			"variables": object{
				"scheme":  object{"default": "http", "enum": []string{"http", "https"}},
				"address": object{"default": config.Default().Server.Admin},
			},
		}},
		"paths": paths,
		"components": object{
			"schemas":         s.named,
			"securitySchemes": object{"admin_users": object{"type": "http", "scheme": "basic"}},
		},
	}
}

func (s *schema) operation(to route) object {
	d, ok := documented[to.method+" "+to.path]
	if !ok {
		panic(to.method + " " + to.path + " is not documented")
	}
	answers := object{"200": object{"description": "Done.", "content": content(s.of(reflect.TypeOf(d.answer)))}}
	problems := d.problems
	o := object{"summary": d.summary}
	if to.method == "POST" {
		problems = append([]string{"400", "401", "403", "413", "415", "429"}, problems...)
		o["security"] = []object{{"admin_users": []string{}}}
		in := s.of(reflect.TypeOf(d.in))
		o["requestBody"] = object{"content": object{
			"application/json": object{"schema": in}, "application/x-www-form-urlencoded": object{"schema": in},
		}}
	}
	for _, status := range problems {
		answers[status] = object{"description": "See error.", "content": content(s.of(reflect.TypeFor[errorReport]()))}
	}
	var parameters []object
	if strings.Contains(to.path, "{name}") {
		parameters = append(parameters, object{"name": "name", "in": "path", "required": true,
			"description": "path of the stream", "schema": object{"type": "string"}})
	}
	for pair := range slices.Chunk(d.query, 2) {
		parameters = append(parameters, object{"name": pair[0], "in": "query", "description": pair[1],
			"schema": object{"type": "string"}})
	}
	if parameters != nil {
		o["parameters"] = parameters
	}
	o["responses"] = answers
	return o
}

func content(of object) object { return object{"application/json": object{"schema": of}} }

// of is the schema of a type.
func (s *schema) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[netip.Addr]():
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{s.of(t.Elem()), {"type": "null"}}}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, there := s.named[t.Name()]; !there {
			s.named[t.Name()] = nil // it may have itself
			s.named[t.Name()] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + t.Name()}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	}
	return object{"type": "integer"}
}

func (s *schema) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous {
			inner := s.structure(f.Type)
			maps.Copy(properties, inner["properties"].(object))
			required = append(required, inner["required"].([]string)...)
			continue
		}
		one := s.of(f.Type)
		if text := s.comments[t.Name()+"."+f.Name]; text != "" {
			one["description"] = text
		}
		properties[name] = one
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}

// covers complains about what the schema of a value does not have.
func (s *schema) covers(t *testing.T, at string, of object, value any) {
	t.Helper()
	if choices, ok := of["anyOf"].([]object); ok {
		of = choices[0]
	}
	if ref, ok := of["$ref"].(string); ok {
		of = s.named[ref[strings.LastIndex(ref, "/")+1:]].(object)
	}
	switch v := value.(type) {
	case map[string]any:
		properties, _ := of["properties"].(object)
		for key, inner := range v {
			p, ok := properties[key].(object)
			if !ok {
				p, ok = of["additionalProperties"].(object)
			}
			if !ok {
				t.Errorf("%s.%s: the schema has no such field", at, key)
				continue
			}
			s.covers(t, at+"."+key, p, inner)
		}
	case []any:
		items, ok := of["items"].(object)
		if !ok {
			t.Errorf("%s: a list, which the schema does not say", at)
			return
		}
		for _, inner := range v {
			s.covers(t, at, items, inner)
		}
	}
}
