package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// World is what the commands reach outside of themselves, but for files and the three standard streams.
type World struct {
	Lookup  func(name string) (string, bool) // the environment
	Now     func() time.Time
	NewID   func() string // of a task that is to be started
	Version string        // of the program, for the User-Agent

	transport http.RoundTripper // of a test; nil: one of its own
}

// Commands are all commands of this package that stand at the top.
func Commands(w World) []*cobra.Command {
	return []*cobra.Command{newTask(w), newQueue(w), newPause(w), newResume(w), newHuman(w), newActions(w), newProfile(w)}
}

// Session is one run of one command: whom it speaks to, and where it writes.
type session struct {
	world  World
	cmd    *cobra.Command
	client *client
	output output
	paint  paint
	in     io.Reader
	out    io.Writer
	err    io.Writer
}

// open makes the session of a command from its flags.
func (f *remote) open(w World, c *cobra.Command) (*session, error) {
	if err := f.output.check(f.outputs); err != nil {
		return nil, err
	}
	to, err := f.target(w)
	if err != nil {
		return nil, err
	}
	s := &session{world: w, cmd: c, output: f.output, in: c.InOrStdin(), out: c.OutOrStdout(), err: c.ErrOrStderr()}
	s.paint = paintFor(w, s.out)
	s.client = newClient(w, to, s.talk)
	return s, nil
}

// close gives back the connections.
func (s *session) close() { s.client.http.CloseIdleConnections() }

// talk tells a person something beside the result.
func (s *session) talk(format string, args ...any) {
	_, _ = fmt.Fprintf(s.err, format+"\n", args...)
}

// size is how wide and high the terminal behind a stream is; 0, 0 where there is none.
func size(stream any) (width, height int) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 {
		return 80, 24
	}
	return width, height
}

// transport has no limit of time of its own: event streams last.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := t.Clone()
	own.ResponseHeaderTimeout = 40 * time.Second // the API answers within 28 s
	return own
}
