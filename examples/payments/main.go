// Command payments is the endpoint of docs/quickstart.md: it charges, logs and refunds, in memory.
//
// It shows what an endpoint owes a saga: each Idempotency-Key has its effect once, however often the request comes, and
// an undo of what never happened is answered with 404.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	addr := flag.String("addr", "localhost:8090", "where to listen")
	flag.Parse()
	if err := serve(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "payments:", err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("payments listens on http://%s\n", l.Addr())
	server := &http.Server{Handler: newPayments(), ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

// payments is the endpoint and all that it remembers.
type payments struct {
	mu      sync.Mutex
	charged map[string]int // payment to amount
	answers map[string]string
	effects []string
}

// order is the body of every request.
type order struct {
	Payment string `json:"payment"`
	Amount  int    `json:"amount"`
}

func newPayments() http.Handler {
	p := &payments{charged: map[string]int{}, answers: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /charge", p.once(p.charge))
	mux.HandleFunc("POST /refund", p.once(p.refund))
	mux.HandleFunc("POST /log-transaction", p.once(p.log))
	mux.HandleFunc("POST /kitchen", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "the kitchen is closed", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("DELETE /", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }) // there is never anything
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, _ = fmt.Fprintln(w, strings.Join(p.effects, "\n"))
	})
	return mux
}

func (p *payments) charge(o order) (int, string) {
	p.charged[o.Payment] = o.Amount
	return http.StatusOK, fmt.Sprintf("charged %d for %s", o.Amount, o.Payment)
}

func (p *payments) refund(o order) (int, string) {
	amount, ok := p.charged[o.Payment]
	if !ok {
		return http.StatusNotFound, "there is no charge for " + o.Payment
	}
	delete(p.charged, o.Payment)
	return http.StatusOK, fmt.Sprintf("refunded %d for %s", amount, o.Payment)
}

func (p *payments) log(o order) (int, string) {
	if o.Amount > 100 {
		return http.StatusUnprocessableEntity, "amounts over 100 cannot be logged"
	}
	return http.StatusOK, fmt.Sprintf("logged %d for %s", o.Amount, o.Payment)
}

// once carries a request out if its key is new, and else answers as it did then. With ?slow=10s an effect's first answer
// is held back, long enough to kill whoever waits for it.
func (p *payments) once(do func(order) (int, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		key := r.Header.Get("Idempotency-Key")
		status, answer, again := p.take(key, func() (int, string) { return do(o) })
		fmt.Printf("%d %s, key %s, again: %t\n", status, answer, key, again)
		if status != http.StatusOK {
			http.Error(w, answer, status)
			return
		}
		if !again {
			hold(r)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"done": answer})
	}
}

// take remembers effects by their keys. What was refused had no effect, and may be asked for again.
func (p *payments) take(key string, do func() (int, string)) (status int, answer string, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer, again = p.answers[key]; again {
		return http.StatusOK, answer, true
	}
	if status, answer = do(); status == http.StatusOK {
		p.answers[key] = answer
		p.effects = append(p.effects, answer)
	}
	return status, answer, false
}

func hold(r *http.Request) {
	d, _ := time.ParseDuration(r.URL.Query().Get("slow"))
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}
