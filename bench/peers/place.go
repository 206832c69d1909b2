package peers

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
)

// localPort is a free port on loopback, for servers that are to be started.
func localPort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// A place is where one started server lives. The config templates see its exported fields.
type place struct {
	Dir       string // of this run alone
	Port      int
	Upstream  int // where the peer pulls from, if it pulls
	Secure    int // port for TLS
	AdminPort int
	Password  string
	Root      bool
	Setup
}

func (at place) host() string { return fmt.Sprintf("127.0.0.1:%d", at.Port) }

func (at place) upstream() string { return fmt.Sprintf("127.0.0.1:%d", at.Upstream) }

// prepare makes a directory and finds ports.
func (p *Peer) prepare() (at place, err error) {
	if at.Dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return at, err
	}
	if err := os.Chmod(at.Dir, 0o777); err != nil { // servers that drop root write their logs there
		return at, err
	}
	if at.Port, err = localPort(); err != nil {
		return at, err
	}
	if at.Upstream, err = localPort(); err != nil {
		return at, err
	}
	at.Password, at.Root, at.Setup = strings.ToLower(rand.Text()[:16]), os.Getuid() == 0, p.setup
	if at.Admin {
		if at.AdminPort, err = localPort(); err != nil {
			return at, err
		}
	}
	if at.TLS {
		if at.Secure, err = localPort(); err == nil {
			err = writeCertificate(at.Dir)
		}
	}
	return at, err
}
