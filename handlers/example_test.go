package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/saga"
)

// starter does only what the example needs.
type starter struct{ handlers.Tasks }

func (starter) Start(_ context.Context, r saga.Request) (saga.Task, bool, error) {
	fmt.Printf("%s asks for %s with %s\n", r.By, r.Type, r.Input)
	return saga.Task{ID: "0199aa", Type: r.Type, Input: r.Input, State: saga.Pending, Status: saga.StatusPending}, true, nil
}

func Example() {
	// printf %s osp_example | sha256sum
	keys, err := handlers.ParseKeys("shop:starter:d42cd4e986153c0e5441f24e7f3508135e4fc090bc32469d375d2a59776fa74a")
	if err != nil {
		fmt.Println(err)
		return
	}
	api := handlers.New(handlers.Config{
		Tasks: starter{}, Auth: handlers.Keys(keys), Now: time.Now, NewID: func() string { return "req-1" },
	})

	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/v1/tasks",
		strings.NewReader(`{"type":"entity.create","input":{"name":"Ada"}}`))
	r.Header.Set("Authorization", "Bearer osp_example")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output:
	// shop asks for entity.create with {"name":"Ada"}
	// 202 /v1/tasks/0199aa
}

func ExampleParseKeys() {
	_, err := handlers.ParseKeys("shop:starter:osp_oops")
	fmt.Println(err)
	// Output: API key 1 ("shop"): holds a key itself; put its SHA-256 there, and replace the key, for it may have been seen
}
