package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// aBooking is the endpoint of a task that goes forward, fails and is undone; each step waits to be let go.
type aBooking struct {
	*httptest.Server

	charge, unbook chan struct{}
}

func newBooking(t *testing.T) *aBooking {
	b := &aBooking{charge: make(chan struct{}), unbook: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/charge":
			await(r, b.charge)
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "the card \x1b[2J\x1b[31mwas declined\u202e")
		case "/unbook":
			await(r, b.unbook)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// await waits until it is let go, or nobody waits for the answer any more.
func await(r *http.Request, letGo <-chan struct{}) {
	_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the caller has died
	select {
	case <-letGo:
	case <-r.Context().Done():
	}
}

func (b *aBooking) input() dict {
	step := func(name string) dict {
		return dict{
			"name": name,
			"do":   dict{"method": "POST", "url": b.URL + "/" + name},
			"undo": dict{"method": "POST", "url": b.URL + "/un" + name},
		}
	}
	return dict{"steps": []dict{step("book"), step("wine"), step("charge")}}
}

// watched is the last screen, without what differs from run to run.
const watched = `http.saga  booking-7
✗ failed  N s

    STEP  FORWARD  UNDO
  ↶ book  completed  N s  undone
  ↶ wine  completed  N s  undone
  ✗ charge  failed  N s
      POST http://BOOKING/charge: 422 Unprocessable Entity: the card
      \x1b[2J\x1b[31mwas declined\u202e

  ··✗  2 of 2 steps undone

✗ failed in N s, 2 steps undone
>`

func TestWatchInATerminal(t *testing.T) {
	b := newBooking(t)
	o := start(t, "all", here(t)...)
	x := newTerminal(t, 80, 24, "OSP_URL="+o.url)
	o.task(202, "POST", "/v1/tasks", dict{"id": "booking-7", "type": "http.saga", "input": b.input()})
	x.types("clear; osp task watch booking-7; echo it ended with $?")

	x.shows(`. running  \d`, `✓ book .*completed  \d`, `. charge  *running  \d`, `██▓  2 of 3 begun steps done`)
	if colours := x.screen("-e"); !strings.Contains(colours, "\x1b[32m✓") {
		t.Errorf("there is no green:\n%q", colours)
	}
	first := x.shows(`charge  *running  [1-9]`) // it moves by itself
	if strings.Contains(first, "UNDO") {
		t.Errorf("there is an undo before there is one:\n%s", first)
	}
	close(b.charge)
	x.shows(`. compensating  \d`, `✗ charge .*failed`, `wine .*completed .*  undone`, `book .*completed .*  being undone`, `▓·✗  1 of 2 steps undone`)
	close(b.unbook)
	x.shows("it ended with 4")
	got := strings.Replace(steady(x.screen()), strings.TrimPrefix(b.URL, "http://"), "BOOKING", 1)
	if want := strings.Replace(watched, "\n>", "\nit ended with 4\n>", 1); got != want {
		t.Errorf("the last screen is\n%s\nwant\n%s", got, want)
	}
}

// On a terminal the command asks, does not show keys, and can be left.
func TestTheCommandAsks(t *testing.T) {
	b := newBooking(t)
	o := start(t, "all", here(t)...)
	x := newTerminal(t, 80, 24, "OSP_URL="+o.url)
	o.task(202, "POST", "/v1/tasks", dict{"id": "waits-1", "type": "http.saga", "input": b.input()})
	k := keyboard{t, []string{"HOME=" + t.TempDir(), "OSP_URL=" + o.url}}
	k.until("task list --state running -o id", "waits-1")
	for _, a := range []struct{ answer, want string }{{"no", "nothing was done"}, {"yes", "Cancelled: 1."}} {
		x.types("clear; osp task cancel --all-matching --type http.saga")
		x.shows(`1 task matches \(type http.saga\). Cancel\? Type yes:\s*$`)
		x.types(a.answer)
		x.shows(a.want)
	}
	x.types("clear; osp profile add here --url " + o.url + "; osp profile list")
	x.shows(`The key \(it is not shown\):\s*$`)
	x.types("osp_secret")
	if screen := x.shows(`here .* yes  in use`); strings.Contains(screen, "osp_secret") {
		t.Errorf("the key is shown:\n%s", screen)
	}
	x.types("clear; osp profile add other --url " + o.url + "; echo it ended with $?")
	x.shows(`The key \(it is not shown\):\s*$`)
	x.tmux("send-keys", "C-c")
	x.shows("osp: interrupted", "it ended with 130")
	x.types("echo visible") // the terminal shows again what is typed
	x.shows("echo visible", "(?m)^visible")
}

// Whoever stops watching has the terminal back as it was, and the task goes on.
func TestWatchIsInterrupted(t *testing.T) {
	b := newBooking(t)
	o := start(t, "all", here(t)...)
	x := newTerminal(t, 80, 24, "OSP_URL="+o.url)
	o.task(202, "POST", "/v1/tasks", dict{"id": "booking-7", "type": "http.saga", "input": b.input()})
	x.types("clear; osp task watch booking-7; echo it ended with $?")
	x.shows(`. charge  *running`)
	if got := x.tmux("display-message", "-p", "#{cursor_flag}"); strings.TrimSpace(got) != "0" {
		t.Errorf("the cursor is shown while it draws: %q", got)
	}
	x.tmux("send-keys", "C-c")
	x.shows(`osp: the task goes on. To come back: osp task watch booking-7`, `it ended with 130`)
	if got := x.tmux("display-message", "-p", "#{cursor_flag}"); strings.TrimSpace(got) != "1" {
		t.Errorf("the cursor is hidden: %q", got)
	}
	close(b.charge)
	close(b.unbook)
	o.wait("booking-7", enough, "failed")
}
