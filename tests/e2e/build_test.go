package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// repository is where this package is seen from the module's root.
const repository = "../.."

// built is the directory of the programs under test, made when the first test wants one.
var built struct {
	sync.Mutex
	dir string
}

var (
	pumpdProgram = sync.OnceValues(func() (string, error) { return build("pumpd", ".") })
	benchProgram = sync.OnceValues(func() (string, error) { return build("bench", "./bench") })
)

// build compiles a package of the repository, with more arguments for go build, and gives the program's path.
func build(name, pkg string, args ...string) (string, error) {
	dir, err := builtDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-o", path}, args...), pkg)...)
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

func builtDir() (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "pumpd-e2e-")
		if err != nil {
			return "", err
		}
		built.dir = dir
	}
	return built.dir, nil
}

func removeBuilt() {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
}

// mustBuild unwraps pumpdProgram and the like.
func mustBuild(t *testing.T, program func() (string, error)) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
