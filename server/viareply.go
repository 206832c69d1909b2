package server

import "pumpd/codec"

// appendPath adds the path to a reply, if it goes to a pump. Players never see it.
func (l *loop) appendPath(b []byte, st *stream) []byte {
	if l.request.Via.Empty() {
		return b
	}
	return codec.AppendField(b, "Via", l.node.name.path(st.Path()))
}

// pathField is the same as refuse takes it: pumps that wait for each other shall find that out.
func (l *loop) pathField(st *stream) []string {
	if l.request.Via.Empty() {
		return nil
	}
	return []string{"Via", l.node.name.path(st.Path())}
}
