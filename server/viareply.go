package server

import "pumpd/codec"

// appendPath adds the pumps on the way of a stream's packets to a reply, if the request is a pump's. Players never see
// it.
func (l *loop) appendPath(b []byte, x exchange) []byte {
	if x.Via.Empty() {
		return b
	}
	return codec.AppendField(b, "Via", l.node.name.Path(x.stream.Path()))
}

// pathField is the same as refuse takes it: pumps that wait for each other, each for the other's stream, shall find that
// out.
func (l *loop) pathField(x exchange) []string {
	if x.Via.Empty() {
		return nil
	}
	return []string{"Via", l.node.name.Path(x.stream.Path())}
}
