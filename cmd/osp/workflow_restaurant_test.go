package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// texts is a gateway that remembers what it was to send.
type texts struct {
	*httptest.Server

	mu   sync.Mutex
	sent []string
}

func newTexts(t *testing.T) *texts {
	g := &texts{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		g.sent = append(g.sent, string(raw))
		g.mu.Unlock()
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *texts) said(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Contains(strings.Join(g.sent, "\n"), what)
}

// deployExample deploys a definition of examples/workflows.
func (o *osp) deployExample(file string) {
	o.t.Helper()
	raw, err := os.ReadFile(workflows + file)
	if err != nil {
		o.t.Fatal(err)
	}
	o.deployText(string(raw))
}

// deployText deploys a definition in YAML.
func (o *osp) deployText(text string) {
	o.t.Helper()
	d, problems := definition.Parse([]byte(text))
	if d == nil {
		o.t.Fatal(problems)
	}
	var made dict
	if err := json.Unmarshal(d.Content, &made); err != nil {
		o.t.Fatal(err)
	}
	o.deploy(made)
}

var reservation = dict{
	"customer_name": "Grace Hopper", "phone_number": "+15550100", "reservation_date": "2026-12-24", "reservation_time": "19:30", "party_size": 4,
}

var payment = dict{"amount": 19.99, "customerId": "cus_1", "paymentMethod": "pm_1"}

// stripe stands in for Stripe: it numbers the charges, and keeps each request once by its key.
type stripe struct {
	*httptest.Server

	mu    sync.Mutex
	seen  map[string]int
	calls []string
}

func newStripe(t *testing.T) *stripe {
	t.Helper()
	s := &stripe{seen: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		if r.Header.Get("Authorization") != "Bearer sk_test_1" || r.ParseForm() != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if s.seen[key] == 0 {
			s.seen[key] = len(s.seen) + 1
			s.calls = append(s.calls, r.URL.Path+" "+r.PostForm.Get("amount")+r.PostForm.Get("payment_intent"))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id": "pi_%d"}`, s.seen[key])
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stripe) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, ", ")
}

// The restaurant of the examples: a reservation is made, and cancelled; one whose text cannot be sent is taken back. A guest pays,
// and gets the money back when the payment cannot be written down.
func TestTheRestaurantOfTheExamples(t *testing.T) {
	env, _, db := inSupabase(t)
	gateway, stripe := newTexts(t), newStripe(t)
	all := start(t, "all", append(env, "OSP_SMS_URL="+gateway.URL, "OSP_STRIPE_URL="+stripe.URL, "OSP_SECRET_STRIPE_KEY=sk_test_1")...)
	raw, err := os.ReadFile("../../examples/restaurant.json")
	if err != nil {
		t.Fatal(err)
	}
	service := all.ends(json.RawMessage(raw))
	var made struct{ Schema string }
	if err := json.Unmarshal(service.Output, &made); err != nil || made.Schema == "" {
		t.Fatalf("service.create: %s %s", service.State, service.Error)
	}
	schema := made.Schema
	all.deployExample("create-reservation.yaml")
	all.deployExample("cancel-reservation.yaml")
	all.deployExample("process-payment.yaml")
	rows := func(status string) int {
		return db.number(`select count(*) from "` + schema + `".reservations where customer_name = 'Grace Hopper' and status = '` + status + `'`)
	}

	booked := all.task(202, "POST", "/v1/tasks", dict{"type": "createReservation", "service": schema, "input": reservation})
	booked = all.wait(booked.ID, enough, saga.Completed)
	if rows("confirmed") != 1 || !gateway.said("Grace Hopper, your table for 4 is reserved") {
		t.Fatalf("%d rows, and the texts %v", rows("confirmed"), gateway.sent)
	}
	var row struct{ ID string }
	if err := json.Unmarshal(booked.Steps[0].Output, &row); err != nil {
		t.Fatal(err)
	}
	cancelled := all.task(202, "POST", "/v1/tasks", dict{
		"type": "cancelReservation", "service": schema, "input": dict{"reservationId": row.ID, "reason": "closed"},
	})
	all.wait(cancelled.ID, enough, saga.Completed)
	if rows("cancelled") != 1 || !gateway.said("Your reservation is cancelled: closed") {
		t.Errorf("%d rows, and the texts %v", rows("cancelled"), gateway.sent)
	}

	db.exec(`update "` + schema + `".reservations set phone_number = null, status = 'confirmed'`)
	unreachable := all.task(202, "POST", "/v1/tasks", dict{
		"type": "cancelReservation", "service": schema, "input": dict{"reservationId": row.ID, "reason": "a guest without a number"},
	})
	all.wait(unreachable.ID, enough, saga.Completed)
	if rows("cancelled") != 1 || gateway.said("a guest without a number") {
		t.Errorf("%d rows, and the texts %v", rows("cancelled"), gateway.sent)
	}

	paid := all.task(202, "POST", "/v1/tasks", dict{"type": "processPayment", "service": schema, "input": payment})
	all.wait(paid.ID, enough, saga.Completed)
	if n := db.number(`select count(*) from "` + schema + `".transactions where charge_id = 'pi_1' and amount = 19.99`); n != 1 || stripe.told() != "/v1/payment_intents 1999" {
		t.Errorf("%d rows of the payment, and Stripe was told %s", n, stripe.told())
	}
	db.exec(`alter table "` + schema + `".transactions add constraint closed check (amount < 0) not valid`)
	refunded := all.task(202, "POST", "/v1/tasks", dict{"type": "processPayment", "service": schema, "input": payment})
	refunded = all.wait(refunded.ID, enough, saga.Failed)
	if n := db.number(`select count(*) from "` + schema + `".transactions`); n != 1 || len(refunded.NotUndone) > 0 ||
		stripe.told() != "/v1/payment_intents 1999, /v1/payment_intents 1999, /v1/refunds pi_2" {
		t.Errorf("%d rows of payments, not undone %v, and Stripe was told %s", n, refunded.NotUndone, stripe.told())
	}

	all.kill()
	silent := start(t, "all", env...) // which has no gateway, and does not pretend
	failed := silent.task(202, "POST", "/v1/tasks", dict{"type": "createReservation", "service": schema, "input": reservation})
	failed = silent.wait(failed.ID, enough, saga.Failed)
	if rows("confirmed") != 0 || !strings.Contains(failed.Error, "OSP_SMS_URL") {
		t.Errorf("%d rows, and the error %q", rows("confirmed"), failed.Error)
	}
}
