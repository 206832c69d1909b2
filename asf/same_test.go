package asf

import "testing"

func TestSame(t *testing.T) {
	properties, audio, data := makeLive(makeProperties(1400)), makeStream(1, audioMedia, wma), makeDataHead(50, 0)
	tests := []struct {
		name string
		in   []byte
		want bool
	}{
		{"equal", join(makeHeaderObject(properties, audio), data), true},
		{"started again", join(makeHeaderObject(edit(properties, 24, fill(0xAB, 56)), audio), edit(data, 16, fill(0xAB, 32))),
			true},
		{"other preroll", join(makeHeaderObject(edit(properties, 80, u64(5000)), audio), data), false},
		{"other flags", join(makeHeaderObject(edit(properties, 88, u32(1)), audio), data), false},
		{"other packet size", join(makeHeaderObject(makeLive(makeProperties(1401)), audio), data), false},
		{"other max bitrate", join(makeHeaderObject(edit(properties, 100, u32(1)), audio), data), false},
		{"other decoder data", join(makeHeaderObject(properties, makeStream(1, audioMedia, edit(wma, 2, []byte{1}))), data),
			false},
		{"other stream number", join(makeHeaderObject(properties, makeStream(2, audioMedia, wma)), data), false},
		{"one stream more", join(makeHeaderObject(properties, audio, audio2()), data), false},
		{"other order", join(makeHeaderObject(audio, properties), data), false},
		{"data object's last two bytes", join(makeHeaderObject(properties, audio), edit(data, 48, []byte{2})), false},
	}
	h, err := ParseHeader(tests[0].in)
	if err != nil {
		t.Fatalf("ParseHeader: %v", err)
	}
	for _, tt := range tests {
		o, err := ParseHeader(tt.in)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got, back := h.Same(o), o.Same(h); got != tt.want || back != tt.want {
			t.Errorf("%s: Same = %v, and the other way %v, want %v", tt.name, got, back, tt.want)
		}
	}
}
