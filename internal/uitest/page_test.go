package uitest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/osp-platform/osp/internal/testenv"
)

// page is a tab of a browser, and what went wrong in it.
type page struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
	lenient  bool // requests may fail
}

// browse starts a browser.
func browse(t *testing.T) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(testenv.Chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	p := &page{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	var listening sync.WaitGroup
	listening.Go(p.listen)
	t.Cleanup(func() {
		if t.Failed() {
			p.shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		closeTab()
		stop()
		listening.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, problem := range p.problems {
			t.Errorf("the console says: %s", problem)
		}
	})
	p.scheme("light")
	return p
}

// listen keeps what the console tells of errors: exceptions, and what the Content-Security-Policy refuses, among them.
func (p *page) listen() {
	for m, err := range chromedp.Console(p.ctx) {
		if err != nil {
			return
		}
		p.mu.Lock()
		wrong := m.IsException() || m.Type == chromedp.ConsoleError || m.Source == "security"
		if forgiven := m.Source == "network" && p.lenient; wrong && !forgiven {
			p.problems = append(p.problems, fmt.Sprintf("%s %s (%s:%d)", m.Type, m.Text, m.URL, m.Line))
		}
		p.mu.Unlock()
	}
}

// requestsMayFail has requests that fail count for nothing.
func (p *page) requestsMayFail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lenient = true
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// open goes to an address.
func (p *page) open(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
}

// read evaluates an expression, awaiting its promise.
func read[T any](p *page, expression string) T {
	p.t.Helper()
	raw, err := p.evaluate(expression)
	if err != nil {
		p.t.Fatalf("%.300s: %v", expression, err)
	}
	var v T
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		p.t.Fatalf("%.300s: %v", expression, err)
	}
	return v
}

func (p *page) evaluate(expression string) (string, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => JSON.stringify(await (`+expression+`)) ?? 'null')()`, chromedp.EvalAwaitPromise))
}

// wait waits until an expression holds. Where the browser is just leaving for another page, it does not yet.
func (p *page) wait(expression string) {
	p.t.Helper()
	until(p.t, func() bool {
		raw, err := p.evaluate(`Boolean(` + expression + `)`)
		if err != nil && !leaving(err) {
			p.t.Fatalf("%.300s: %v", expression, err)
		}
		return err == nil && raw == "true"
	}, func() any { return expression + ": " + p.text() })
}

// leaving tells whether an expression had no answer because the browser was going to another page.
func leaving(err error) bool {
	for _, words := range []string{"navigated or closed", "context was destroyed", "Cannot find context", "Not attached to an active page"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// says waits until the page has a text.
func (p *page) says(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`document.body.innerText.includes(%s)`, quote(text)))
}

// text is all that the page shows.
func (p *page) text() string {
	p.t.Helper()
	return read[string](p, `document.body.innerText`)
}

// step waits until a step of the timeline is in a state; its undo, if the lane is "Undone steps".
func (p *page) step(lane, path, state string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`document.querySelector('.lane[aria-label="%s"] [data-step=%s][data-state="%s"]')`, lane, quote(path), state))
}

// press clicks on what begins with that text and can be clicked; in the dialog, if one is open. Signs before the text do not count.
func (p *page) press(text string) {
	p.t.Helper()
	find := fmt.Sprintf(`[...(document.querySelector('dialog[open]') ?? document).querySelectorAll('button, a, summary, label')]
		.find(e => e.textContent.replace(/^[^\p{L}\p{N}]+/u, '').startsWith(%s))`, quote(text))
	p.act(find, `e.focus(); e.click()`)
}

// act does something to an element as soon as there is one: between two questions the page may have been drawn again.
func (p *page) act(find, what string) {
	p.t.Helper()
	p.wait(find)
	until(p.t, func() bool { return read[bool](p, `(e => { if (!e) return false; `+what+`; return true })(`+find+`)`) },
		func() any { return find + ": " + p.text() })
}

// expand opens a step of the timeline.
func (p *page) expand(lane, path string) {
	p.t.Helper()
	find := fmt.Sprintf(`document.querySelector('.lane[aria-label="%s"] [data-step=%s] > button')`, lane, quote(path))
	p.act(find, `e.click()`)
	p.wait(find + `?.getAttribute('aria-expanded') === 'true'`)
}

// fill types a text into a field by its name, as if it had been typed.
func (p *page) fill(name, text string) {
	p.t.Helper()
	find := fmt.Sprintf(`document.querySelector('[name=%q]')`, name)
	p.act(find, fmt.Sprintf(`e.focus(); e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}))`, quote(text)))
}

// scheme chooses light or dark.
func (p *page) scheme(name string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// shot keeps a picture of the page.
func (p *page) shot(name string) {
	raw, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Logf("no picture of %s: %v", name, err)
		return
	}
	dir := os.Getenv("OSP_TEST_OUTPUT")
	if dir == "" {
		dir = "../../build"
	}
	file := filepath.Join(dir, "ui-screenshots", name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// sizes are the widths at which pages are looked at.
var sizes = map[string][2]int64{"desktop": {1280, 900}, "phone": {390, 844}}

// looks at the page in every theme and size: keeps a picture of each, and has axe look for what keeps people out.
func (p *page) looks(name string) {
	p.t.Helper()
	for _, size := range []string{"desktop", "phone"} {
		for _, scheme := range []string{"light", "dark"} {
			p.do(chromedp.EmulateViewport(sizes[size][0], sizes[size][1]))
			p.scheme(scheme)
			p.shot(fmt.Sprintf("%s-%s-%s", name, size, scheme))
			for _, violation := range p.axe(scheme) {
				p.t.Errorf("%s, %s, %s: %s", name, size, scheme, violation)
			}
			if size == "phone" {
				if wide := read[int](p, `document.documentElement.scrollWidth`); wide > 390 {
					p.t.Errorf("%s is %d px wide on a phone", name, wide)
				}
			}
		}
	}
	p.do(chromedp.EmulateViewport(sizes["desktop"][0], sizes["desktop"][1]))
	p.scheme("light")
}

// axe runs axe-core over the page. Between light and dark only colours differ.
func (p *page) axe(scheme string) []string {
	p.t.Helper()
	rules := ""
	if scheme == "dark" {
		rules = `, runOnly: ['color-contrast']`
	}
	if !read[bool](p, `'axe' in window`) {
		read[any](p, `(() => { `+testenv.Axe(p.t)+`; return null })()`)
	}
	found := read[[]struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}](p, `axe.run(document, {resultTypes: ['violations']`+rules+`}).then(r => r.violations)`)
	var all []string
	for _, v := range found {
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			all = append(all, fmt.Sprintf("%s: %s: %.300s: %.400s", v.ID, v.Help, n.HTML, n.FailureSummary))
		}
	}
	slices.Sort(all)
	return all
}

// quote writes a text as JavaScript does.
func quote(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
