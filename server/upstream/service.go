package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// ServicePrefix begins the URL of an upstream that is a service instead of a host. Its SRV records (RFC 2782) say where
// it is, anew for each connection.
//
//	srv:_mmsh._tcp.example.org/path   srv:user:password@_mmshs._tcp.example.org/path?query
//
// The name of the service is one of the schemes and means the same. Certificates must be for example.org: what DNS
// says of that name is not proof of anything (RFC 9525 6.1).
const ServicePrefix = "srv:"

// A LookupSRV is net.Resolver's: it gives the records by priority, and within one in an order that is random by weight.
type LookupSRV func(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)

func parseService(name string) (*Address, error) {
	bad := func(why string) (*Address, error) {
		return nil, fmt.Errorf("upstream %q: %s", Redacted(ServicePrefix+name), why)
	}
	u, err := url.Parse("srv://" + name)
	if err != nil {
		return bad("not a service")
	}
	service, rest, _ := strings.Cut(strings.ToLower(u.Host), ".")
	domain, isTCP := strings.CutPrefix(rest, "_tcp.")
	secure, known := schemes[strings.TrimPrefix(service, "_")]
	switch {
	case !known || !strings.HasPrefix(service, "_") || !isTCP:
		return bad("want _mmsh._tcp. or _mmshs._tcp. before a domain")
	case domain == "" || !IsHost(domain):
		return bad("no domain")
	case strings.ContainsFunc(u.RawQuery, unprintable):
		return bad("query is not escaped")
	}
	up := &Address{secure: secure, name: domain, target: targetOf(u), service: service + "._tcp." + domain}
	up.user = u.User.Username()
	up.password, _ = u.User.Password()
	return up, nil
}

// maxServers is how many records of a service are tried.
const maxServers = 8

var errNoService = errors.New("the domain says that there is no such service")

// locate gives the places that an upstream stands for, in the order in which they should be tried.
func (u *Address) locate(ctx context.Context, lookup LookupSRV) ([]*Address, error) {
	if u.service == "" {
		return []*Address{u}, nil
	}
	service, _, _ := strings.Cut(u.service, ".")
	_, records, err := lookup(ctx, strings.TrimPrefix(service, "_"), "tcp", u.name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.service, err)
	}
	var list []*Address
	for _, r := range records {
		host := strings.TrimSuffix(r.Target, ".")
		if !IsHost(host) || host == "" || r.Port == 0 {
			continue // "." is how a domain says no (RFC 2782)
		}
		to := *u
		to.service = ""
		to.addr = net.JoinHostPort(host, strconv.Itoa(int(r.Port)))
		to.host = to.addr
		if list = append(list, &to); len(list) == maxServers {
			break
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: %w", u.service, errNoService)
	}
	return list, nil
}
