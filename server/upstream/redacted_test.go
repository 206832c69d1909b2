package upstream

import "testing"

func TestAsConfigured(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"mmsh://127.0.0.1:7070/", "mmsh://127.0.0.1:7070/"},
		{"MMS://A.example", "MMS://A.example"},
		{"mmshs://[::1]:8089/streams/x", "mmshs://[::1]:8089/streams/x"},
		{"mmsh://me:secret@a.example/x", "mmsh://…@a.example/x"},
		{"mmsh://me@a.example/x", "mmsh://…@a.example/x"},
		{"http://a.example/x?token=secret", "http://a.example/x?…"},
		{"http://a.example/x?token=secret@secret", "http://a.example/x?…"},
		{"http://me:secret@a.example/x?mail=secret@secret#secret", "http://…@a.example/x?…"},
		{"http://a.example/x#secret", "http://a.example/x#…"},
		{"http://a.example?secret", "http://a.example?…"},
		{"srv:_mmsh._tcp.a.example/x", "srv:_mmsh._tcp.a.example/x"},
		{"srv:me:secret@_mmsh._tcp.a.example/x?secret", "srv:…@_mmsh._tcp.a.example/x?…"},
		{"srv:_mmsh._tcp.a.example/x?a=secret@secret", "srv:_mmsh._tcp.a.example/x?…"},
		// What is no URL, or another one than was meant.
		{"mmsh://me:sec?ret@a.example/x", "mmsh://…"},
		{"mmsh://me:sec#ret@a.example/x", "mmsh://…"},
		{"mmsh://me:sec/ret@a.example/x", "mmsh://…@a.example/x"},
		{"me:secret@a.example", "…@a.example"},
		{"http://a.example:port/x?token=secret", "http://a.example:port/x?…"},
	} {
		if got := AsConfigured(c.raw); got != c.want {
			t.Errorf("%s: %s, want %s", c.raw, got, c.want)
		}
	}
}
