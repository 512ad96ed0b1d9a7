package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/osp-platform/osp/handlers/ui"
)

// Example serves the pages with net/http; the program has gin serve ui.Paths.
func Example() {
	mux := http.NewServeMux()
	mux.Handle(ui.Root, ui.New())
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ui/tasks", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
