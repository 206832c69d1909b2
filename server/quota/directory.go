package quota

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fileName = "quota.json"
	newName  = "quota.json.new" // until it is whole
	badName  = "quota.json.bad" // one that cannot be understood
)

// saveInterval is how much time the file may be behind. What is sent in it is lost when the process is killed.
const saveInterval = 5 * time.Second

// A directory is the one that state_dir names, while it is ours alone.
type directory struct {
	path string
	lock *os.File // the directory itself
}

func openDirectory(path string) (*directory, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another pumpd uses it", path)
		}
		return nil, &os.PathError{Op: "flock", Path: path, Err: err}
	}
	return &directory{path: path, lock: f}, nil
}

func (d *directory) close() { d.lock.Close() }

func (d *directory) name() string { return filepath.Join(d.path, fileName) }

// read gives what the file has, nil if there is none.
func (d *directory) read() ([]byte, error) {
	f, err := os.Open(d.name())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// putAside moves a file that is of no use out of the way, and says where to.
func (d *directory) putAside() (to string, err error) {
	to = filepath.Join(d.path, badName)
	return to, os.Rename(d.name(), to)
}

// create begins a file that is to take the place of ours. One that is left of a crash goes: it may be root's.
func (d *directory) create() (*os.File, error) {
	name := filepath.Join(d.path, newName)
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// write replaces the file, so that at any moment there is a whole one; also after a power cut, where that is to be
// waited for.
func (d *directory) write(text []byte, durably bool) error {
	f, err := d.create()
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if durably {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	err = os.Rename(f.Name(), d.name())
	if durably && err == nil {
		err = d.lock.Sync()
	}
	return err
}

// A keeper writes the file when the count has changed.
type keeper struct {
	m       *Meter
	text    []byte // that the file has
	failing bool   // it could not be written, and the log has been told
}

// Keep writes the file every few seconds until the directory is given up, or ctx is done. It waits for the disk; nobody
// waits for it.
func (m *Meter) Keep(ctx context.Context) {
	k := keeper{m: m}
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	for k.save(true) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close writes the file a last time, when nothing is sent any more, and gives the directory up.
func (m *Meter) Close() { m.close(true) }

// HandOver is Close for another process that opens the directory now. It does not wait for the disk: that process sees
// what is written before it is there.
func (m *Meter) HandOver() { m.close(false) }

func (m *Meter) close(durably bool) {
	k := keeper{m: m}
	k.save(durably)
	m.Abandon()
}

// Check says why the file could not be written, by whoever the process is now.
func (m *Meter) Check() error {
	f, err := m.dir.create()
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Abandon gives the directory up and writes nothing.
func (m *Meter) Abandon() {
	m.disk.Lock()
	defer m.disk.Unlock()
	m.given = true
	m.dir.close()
}

// save writes the file if there is anything new; false: the directory has been given up. There is one line in the log
// when it begins to fail, and one when that is over.
func (k *keeper) save(durably bool) bool {
	m := k.m
	m.disk.Lock()
	defer m.disk.Unlock()
	if m.given {
		return false
	}
	m.mu.Lock()
	text := m.book.marshal()
	m.mu.Unlock()
	if slices.Equal(text, k.text) {
		return true
	}
	err := m.dir.write(text, durably)
	switch {
	case err == nil:
		if k.text = text; k.failing {
			m.log.Warn("quota: its file can be written again", "file", m.dir.name())
		}
	case !k.failing:
		m.log.Error("quota: its file cannot be written; what is sent from now on is forgotten if pumpd ends before it can",
			"file", m.dir.name(), "err", err)
	}
	k.failing = err != nil
	return true
}
