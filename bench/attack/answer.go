package attack

import (
	"bufio"
	"io"
	"net/http"
)

// readAnswer reads a whole answer with its body. last: the server closes after it.
func readAnswer(r *bufio.Reader, log *Log) (last bool, err error) {
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return true, err
	}
	log.answered(answer.StatusCode)
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return true, err
	}
	return answer.Close, nil
}
