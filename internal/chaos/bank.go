package main

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bankHost is what the steps call. Workers reach it through a proxy (HTTP_PROXY), each through a link of its own, so that
// the bank knows who is calling.
const bankHost = "http://bank.test"

// bank is the endpoint that moves the money, and takes down all that it is asked for.
type bank struct {
	ledger  *ledger
	history *history
	server  *http.Server
	serving sync.WaitGroup
	calls   atomic.Int64

	acting [64]sync.Mutex // by step, while one of its calls acts

	mu       sync.Mutex
	hiccups  map[string]int      // answers of 503, by key
	silences map[string]struct{} // keys whose answer was withheld
}

// call is what a step sends.
type call struct {
	Task    string        `json:"task"`
	Step    string        `json:"step"`
	Account int           `json:"account"`
	Amount  int64         `json:"amount"`
	Think   time.Duration `json:"think"`   // before it acts
	Hiccups int           `json:"hiccups"` // times that it answers 503 first
	Decline bool          `json:"decline"` // it will not
	Silent  bool          `json:"silent"`  // it acts, and hangs up instead of answering
	Deaf    bool          `json:"deaf"`    // it does not notice that nobody waits any longer

	key    string
	undo   bool
	number int64
	worker string
}

// caller is the key of a connection's worker in its context.
type caller struct{}

func newBank(l *ledger, h *history) *bank {
	b := &bank{ledger: l, history: h, hiccups: map[string]int{}, silences: map[string]struct{}{}}
	b.server = &http.Server{
		Handler: b, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, caller{}, conn.(*namedConn).worker)
		},
	}
	return b
}

// listen opens a door for a worker, and returns its address.
func (b *bank) listen(ctx context.Context, worker string) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	b.serving.Go(func() { _ = b.server.Serve(namedListener{l, worker}) })
	return l.Addr().String(), nil
}

// namedListener tells by which door a connection came.
type namedListener struct {
	net.Listener
	worker string
}

type namedConn struct {
	net.Conn
	worker string
}

// Accept implements net.Listener.
func (l namedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &namedConn{conn, l.worker}, err
}

func (b *bank) close(ctx context.Context) {
	_ = b.server.Shutdown(ctx)
	_ = b.server.Close()
	b.serving.Wait()
}

// ServeHTTP carries out one call.
func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // all of it, else the server does not notice that the caller has died
	c := call{
		key: r.Header.Get("Idempotency-Key"), undo: r.URL.Path == "/undo", number: b.calls.Add(1),
		worker: r.Context().Value(caller{}).(string),
	}
	if err != nil || json.Unmarshal(body, &c) != nil || !strings.HasPrefix(c.key, c.Task+"/") {
		http.Error(w, "this is no call of the workload", http.StatusBadRequest)
		return
	}
	b.note(c, seenArrived, 0)
	defer b.note(c, seenLeft, 0)
	defer context.AfterFunc(r.Context(), func() { b.note(c, seenHungUp, 0) })()
	status, silent := b.answer(r.Context(), c)
	if silent {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "{}")
}

// answer thinks, acts, and says with which status to answer, or to say nothing.
func (b *bank) answer(ctx context.Context, c call) (status int, silent bool) {
	if b.hiccup(c) {
		return http.StatusServiceUnavailable, false
	}
	waits := ctx
	if c.Deaf {
		waits = context.WithoutCancel(ctx)
	}
	if !wait(waits, c.Think) {
		return http.StatusServiceUnavailable, true
	}
	if c.Decline && !c.undo {
		b.note(c, seenDeclined, 0)
		return http.StatusUnprocessableEntity, false
	}
	switch came := b.act(context.WithoutCancel(ctx), c); came { // it acts, whoever has gone
	case "":
		return http.StatusInternalServerError, false
	case seenTooLate:
		return http.StatusConflict, false
	default:
		return http.StatusOK, c.Silent && b.first(c.key)
	}
}

// act moves the money and takes it down, in one order for all calls of a step.
func (b *bank) act(ctx context.Context, c call) eventKind {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	one := &b.acting[crc32.ChecksumIEEE([]byte(c.Task+"/"+c.Step))%uint32(len(b.acting))]
	one.Lock()
	defer one.Unlock()
	came, added, err := b.ledger.apply(ctx, c)
	if err != nil {
		return ""
	}
	b.note(c, came, added)
	return came
}

// hiccup tells whether the call gets a 503 this time.
func (b *bank) hiccup(c call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hiccups[c.key] >= c.Hiccups {
		return false
	}
	b.hiccups[c.key]++
	return true
}

// first tells whether a key's answer has not been withheld before.
func (b *bank) first(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, was := b.silences[key]
	b.silences[key] = struct{}{}
	return !was
}

func (b *bank) note(c call, what eventKind, added int64) {
	e := event{What: what, Task: c.Task, Target: c.worker, Call: c.number, Key: c.key, Step: c.Step, Undo: c.undo}
	if what == seenEffect {
		e.Account, e.Amount = c.Account, added
	}
	b.history.note(e)
}
