package uitest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// line is what stands between the browser and the server, and can be cut.
type line struct {
	url string

	mu   sync.Mutex
	to   string
	cut  bool
	open map[net.Conn]bool
}

// through makes a line to a server.
func through(t *testing.T, server string) *line {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := &line{url: "http://localhost:" + port, to: u.Host, open: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.carry(in) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.sever()
		running.Wait()
	})
	return c
}

func (c *line) carry(in net.Conn) {
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = in.Close()
		return
	}
	if !c.keep(in, out) {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = in.Close()
			_ = out.Close()
		})
	}
	both.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, in)
	delete(c.open, out)
}

func (c *line) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if c.cut {
			_ = conn.Close()
			continue
		}
		c.open[conn] = true
	}
	return !c.cut
}

// sever breaks all connections, and those that come.
func (c *line) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for conn := range c.open {
		_ = conn.Close()
	}
}

func (c *line) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// While the API is gone the page says so; when it is back, it shows all that has happened meanwhile.
func TestTheAPIIsGoneAndComesBack(t *testing.T) {
	st := newStage()
	st.hold("charge", "ship", "undo reserve")
	st.fails("ship", "the lorry is broken")
	s, p := serve(t, st, ""), browse(t)
	l := through(t, s.url)
	p.requestsMayFail()
	id := s.start("order.place", dict{})
	p.open(l.url + "/ui/tasks/" + id)
	p.step("Steps", "charge", "running")
	p.wait(`document.querySelector('.connection.live')`)
	began := read[float64](p, `performance.timeOrigin`)

	l.sever()
	p.wait(`document.querySelector('.connection.away')`)
	p.says("No connection: trying again")
	p.looks("task-away")
	st.open("charge", "ship") // it fails, and the undo of what came before waits
	s.reaches(id, "compensating")
	p.step("Steps", "charge", "running") // what the page cannot know
	l.mend()
	p.wait(`document.querySelector('.connection.live')`)
	p.step("Steps", "ship", "failed")
	p.step("Undone steps", "charge", "compensated")
	p.step("Undone steps", "reserve", "compensating")
	st.open("undo reserve")
	p.wait(`document.querySelector('.live-state').innerText.includes('Failed')`)
	p.expand("Steps", "charge")
	p.says("Attempt") // each event has come: attempts are known from them alone
	if read[float64](p, `performance.timeOrigin`) != began {
		t.Error("the page was loaded again")
	}
	s.agrees(p, id)

	p.open(l.url + "/ui/tasks")
	p.wait(`document.querySelectorAll('a.go').length === 1`)
	l.sever()
	p.says("Not up to date since")
	l.mend()
	p.wait(`!document.body.innerText.includes('Not up to date since')`)
}
