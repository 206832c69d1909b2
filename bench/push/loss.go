package push

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lost ends a connection. The error comes back if there is no second try.
func (p *encoder) lost(err error) error {
	p.drop()
	var refused *refusal
	switch {
	case p.opt.Retry == 0:
		return err
	case !errors.As(err, &refused):
	case p.resumed || refused.status >= 500:
		p.pushID = "0" // the server restarts, or does not know our session any more: set up anew
	default:
		return err
	}
	p.log("lost: %v", err)
	p.stats.Losses++
	p.lostAt, p.tryAt, p.pause = time.Now(), time.Now().Add(retryFirst), retryFirst
	return nil
}

// givenUp is the error after too long a loss.
func (p *encoder) givenUp() error {
	if away := time.Since(p.lostAt); away > p.opt.Retry {
		return fmt.Errorf("lost for %s, limit %s", away.Round(time.Second), p.opt.Retry)
	}
	return nil
}

// resume connects again when it is time to: with the old push-id straight to PushStart, with none through a setup.
func (p *encoder) resume() bool {
	if time.Now().Before(p.tryAt) {
		return false
	}
	err := p.again()
	if err != nil {
		p.log("retry: %v", err)
		p.drop()
		p.tryAt = time.Now().Add(p.pause)
		p.pause = min(2*p.pause, retryMost)
		return false
	}
	p.log("resumed after %s", time.Since(p.lostAt).Round(time.Millisecond))
	return true
}

func (p *encoder) again() error {
	if p.pushID == "0" {
		return p.open(context.Background())
	}
	p.resumed = true
	if err := p.dial(context.Background()); err != nil {
		return err
	}
	return p.begin(true)
}
