package asf

import (
	"bytes"
	"reflect"
	"testing"
)

func TestPublished(t *testing.T) {
	audio := makeStream(1, audioMedia, wma)
	junk := makeDataHead(987654321, 777)
	file := makeProperties(1400)
	live := makeLive(file)
	tests := []struct {
		name             string
		properties, data []byte
		want             []byte // File Properties
	}{
		// 56: packets, play and send duration; 88: flags
		{"file", file, junk, edit(edit(file, 56, join(u64(0xFFFFFFFF), u64(0), u64(0))), 88, u32(1))},
		{"live", live, junk, edit(live, 88, u32(9))},
		{"live and seekable", edit(live, 88, u32(3)), junk, edit(live, 88, u32(1))},
		{"unknown flags", edit(live, 88, u32(0xFFFFFFFF)), junk, edit(live, 88, u32(0xFFFFFFFD))},
		{"already so", live, makeDataHead(50, 0), live},
		{"data size 0", live, makeDataHead(0, 0), live},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := join(makeHeaderObject(audio, tt.properties, audio2()), tt.data)
			h, err := ParseHeader(in)
			if err != nil {
				t.Fatalf("ParseHeader: %v", err)
			}
			p := h.Published()
			want := join(makeHeaderObject(audio, tt.want, audio2()), makeDataHead(50, 0))
			if !bytes.Equal(p.Raw, want) {
				t.Errorf("Raw = %x, want %x", p.Raw, want)
			}
			if !bytes.Equal(h.Raw, in) {
				t.Errorf("Published wrote into the header it came from")
			}
			again, err := ParseHeader(p.Raw)
			if err != nil {
				t.Fatalf("ParseHeader(published): %v", err)
			}
			if !reflect.DeepEqual(p, again) {
				t.Errorf("published %+v, parsed anew %+v", p, again)
			}
			if twice := p.Published(); !bytes.Equal(twice.Raw, p.Raw) {
				t.Errorf("published twice %x, want %x", twice.Raw, p.Raw)
			}
		})
	}
}

// audio2 is another audio stream, so that something follows the File Properties.
func audio2() []byte { return makeStream(2, audioMedia, wma) }
