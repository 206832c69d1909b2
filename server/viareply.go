package server

import "pumpd/codec"

// appendVia adds the pumps on the way of a stream's packets to a reply, if the request is a pump's. Players never see
// it.
func (l *loop) appendVia(b []byte, x exchange) []byte {
	if x.Via.Empty() {
		return b
	}
	return codec.AppendField(b, "Via", l.node.name.Field(x.stream.Via()))
}

// viaField is the same for refuse, as name and value: pumps that wait for each other's stream shall find that out.
func (l *loop) viaField(x exchange) []string {
	if x.Via.Empty() {
		return nil
	}
	return []string{"Via", l.node.name.Field(x.stream.Via())}
}
