package asf

import (
	"encoding/hex"
	"math"
	"testing"
)

func TestGUID(t *testing.T) {
	tests := []struct {
		id        GUID
		canonical string
		wire      string
	}{
		{headerObject, "75B22630-668E-11CF-A6D9-00AA0062CE6C", "30 26 B2 75 8E 66 CF 11 A6 D9 00 AA 00 62 CE 6C"},
		{dataObject, "75B22636-668E-11CF-A6D9-00AA0062CE6C", "36 26 B2 75 8E 66 CF 11 A6 D9 00 AA 00 62 CE 6C"},
		{fileProperties, "8CABDCA1-A947-11CF-8EE4-00C00C205365", "A1 DC AB 8C 47 A9 CF 11 8E E4 00 C0 0C 20 53 65"},
		{streamProperties, "B7DC0791-A9B7-11CF-8EE6-00C00C205365", "91 07 DC B7 B7 A9 CF 11 8E E6 00 C0 0C 20 53 65"},
		{headerExtension, "5FBF03B5-A92E-11CF-8EE3-00C00C205365", "B5 03 BF 5F 2E A9 CF 11 8E E3 00 C0 0C 20 53 65"},
		{extendedStream, "14E6A5CB-C672-4332-8399-A96952065B5A", "CB A5 E6 14 72 C6 32 43 83 99 A9 69 52 06 5B 5A"},
		{streamBitrates, "7BF875CE-468D-11D1-8D82-006097C9A2B2", "CE 75 F8 7B 8D 46 D1 11 8D 82 00 60 97 C9 A2 B2"},
		{simpleIndex, "33000890-E5B1-11CF-89F4-00A0C90349CB", "90 08 00 33 B1 E5 CF 11 89 F4 00 A0 C9 03 49 CB"},
		{indexObject, "D6E229D3-35DA-11D1-9034-00A0C90349BE", "D3 29 E2 D6 DA 35 D1 11 90 34 00 A0 C9 03 49 BE"},
		{audioMedia, "F8699E40-5B4D-11CF-A8FD-00805F5C442B", "40 9E 69 F8 4D 5B CF 11 A8 FD 00 80 5F 5C 44 2B"},
		{videoMedia, "BC19EFC0-5B4D-11CF-A8FD-00805F5C442B", "C0 EF 19 BC 4D 5B CF 11 A8 FD 00 80 5F 5C 44 2B"},
		{commandMedia, "59DACFC0-59E6-11D0-A3AC-00A0C90348F6", "C0 CF DA 59 E6 59 D0 11 A3 AC 00 A0 C9 03 48 F6"},
	}
	for _, tt := range tests {
		if got := tt.id.String(); got != tt.canonical {
			t.Errorf("String() = %s, want %s", got, tt.canonical)
		}
		if want := unhex(t, tt.wire); tt.id != GUID(want) {
			t.Errorf("%s: bytes %s, want %x", tt.canonical, hex.EncodeToString(tt.id[:]), want)
		}
	}
}

func TestCutObject(t *testing.T) {
	whole := makeObject(dataObject, []byte("body"))
	tests := []struct {
		name string
		in   []byte
		want int // bytes cut, 0: an error
	}{
		{"exactly", whole, 28},
		{"more behind", join(whole, whole), 28},
		{"empty body", makeObject(dataObject), 24},
		{"nothing", nil, 0},
		{"no room for the size", whole[:23], 0},
		{"one byte missing", whole[:27], 0},
		{"size zero", edit(whole, 16, u64(0)), 0},
		{"size less than its own head", edit(whole, 16, u64(23)), 0},
		{"size negative as an int", edit(whole, 16, u64(math.MaxUint64)), 0},
		{"size that overflows an offset", edit(whole, 16, u64(math.MaxInt64)), 0},
		{"size right in its low half", edit(whole, 16, u64(28|1<<32)), 0},
	}
	for _, tt := range tests {
		id, b, err := cutObject(tt.in)
		if len(b) != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("%s: %d bytes, error %v, want %d bytes", tt.name, len(b), err, tt.want)
		}
		if err == nil && id != dataObject {
			t.Errorf("%s: object %v, want %v", tt.name, id, dataObject)
		}
	}
}
