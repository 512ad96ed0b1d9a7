package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminalOf is the terminal that a stream is; nil when it is none, and nobody is there to ask.
func terminalOf(stream io.Reader) *os.File {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}

// asked reads what somebody types, who may press Ctrl-C instead: then what reads is left alone, for the program ends.
func asked(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return strings.TrimSpace(a.text), a.err
	case <-ctx.Done():
		return "", errInterrupted
	}
}

// confirm asks on a terminal, and takes no answer for a no. Elsewhere nobody is there to ask.
func (s *session) confirm(ctx context.Context, question string) error {
	f := terminalOf(s.in)
	if f == nil {
		return misused("nothing was done: there is nobody to ask; --yes does it without asking")
	}
	_, _ = fmt.Fprint(s.err, question)
	answer, err := asked(ctx, func() (string, error) { return bufio.NewReader(f).ReadString('\n') })
	if err != nil {
		_, _ = fmt.Fprintln(s.err) // nobody ended the line
	}
	if answer != "yes" {
		return ended(exitFailed, "nothing was done")
	}
	return nil
}

// askSecret asks on a terminal for what it does not show.
func askSecret(ctx context.Context, f *os.File, talk io.Writer, question string) (string, error) {
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask on the terminal: %w", err)
	}
	_, _ = fmt.Fprint(talk, question)
	secret, err := asked(ctx, func() (string, error) {
		raw, err := term.ReadPassword(fd)
		return string(raw), err
	})
	_ = term.Restore(fd, before) // where the reading goes on, it has not done so
	_, _ = fmt.Fprintln(talk)
	return secret, err
}
