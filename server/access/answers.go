package access

import "time"

// answers are those that are good for a while. When there are too many, all but those that have been looked for lately
// are forgotten. The zero value is empty.
type answers struct {
	young, old map[key]kept // when young is full it becomes old, and what was old is forgotten
}

type kept struct {
	answer Answer
	until  time.Time
}

const maxAnswers = 8192 // in each of the maps

func (m *answers) find(k key, now time.Time) (Answer, bool) {
	e, ok := m.young[k]
	if !ok {
		if e, ok = m.old[k]; ok {
			m.keep(k, e)
		}
	}
	if !ok || now.After(e.until) {
		return Answer{}, false
	}
	return e.answer, true
}

func (m *answers) add(k key, a Answer, now time.Time) { m.keep(k, kept{a, now.Add(a.Keep)}) }

func (m *answers) keep(k key, e kept) {
	if len(m.young) >= maxAnswers {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = map[key]kept{}
	}
	m.young[k] = e
	delete(m.old, k)
}
