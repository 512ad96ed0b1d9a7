package crashpoints

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

// scenario is a workflow with what its client does.
type scenario struct {
	name     string
	flows    func(b builder) map[string]saga.Step // by task type; the client starts the root
	client   func(c *client)
	deadline time.Duration // of the whole task
	resolved bool          // what is stuck does not stay so
	thorough bool          // its pairs are tried in Redis too
}

// one is a scenario of one workflow whose client only starts it.
func one(name string, tree func(b builder) saga.Step) scenario {
	return scenario{name: name, client: start, flows: func(b builder) map[string]saga.Step {
		return map[string]saga.Step{root: tree(b)}
	}}
}

// straight is a scenario of steps one after the other.
func straight(name, specs string) scenario {
	return one(name, func(b builder) saga.Step { return b.steps(specs) })
}

// family is a scenario of a parent whose child steps start tasks of the type kid.
func family(name, kid string, tree func(b builder) saga.Step) scenario {
	return scenario{name: name, client: start, flows: func(b builder) map[string]saga.Step {
		return map[string]saga.Step{root: tree(b), "kid": b.steps(kid)}
	}}
}

// with has the client do more than start the task.
func (s scenario) with(then func(c *client)) scenario {
	s.client = func(c *client) {
		c.start()
		then(c)
	}
	return s
}

func start(c *client) { c.start() }

// resolving has an operator decide about the step b.
func (s scenario) resolving(action saga.ResolveAction) scenario {
	s.resolved = true
	return s.with(func(c *client) { c.resolve("b", action) })
}

func waitsForSignal(b builder) saga.Step {
	return saga.Sequence(b.step("a"), saga.Signal("s", "go", 0), b.step("b"))
}

func oneChild(b builder) saga.Step {
	return saga.Sequence(b.step("a"), b.child("c", "kid"), b.step("b"))
}

// corpus has every kind of step, of failure and of wait.
var corpus = []scenario{
	straight("one step", "a"),
	straight("three steps", "a b c"),
	straight("the first fails", "a! b c"),
	straight("the second fails", "a b! c"),
	straight("the third fails", "a b c!"),
	straight("the second is refused", "a b# c"),
	straight("the second hiccups", "a b? c"),
	straight("a step longer than a lease", "a b+ c"),
	straight("the second goes on after its failure", "a b!* c"),
	straight("what cannot be undone", "a b~ c!"),

	one("three side by side", func(b builder) saga.Step {
		return saga.Sequence(saga.Parallel("p", b.step("a"), b.step("b"), b.step("c")), b.step("d"))
	}),
	one("one of three side by side fails", func(b builder) saga.Step {
		return saga.Sequence(b.step("a"), saga.Parallel("p", b.step("b+"), b.step("c!"), b.step("d")))
	}),
	one("nested, and fails at the end", func(b builder) saga.Step {
		return saga.Sequence(saga.Parallel("p", b.steps("a b"), saga.Parallel("q", b.step("c"), b.step("d"))), b.step("e!"))
	}),
	one("a condition", func(b builder) saga.Step {
		return saga.Sequence(b.step("a"), saga.Condition("if", func(saga.Scope) (bool, error) { return true, nil }, b.step("b"), b.step("c")))
	}),
	one("a loop", func(b builder) saga.Step { return saga.Sequence(b.each("l", 1, b.step("a")), b.step("b")) }),
	one("a loop side by side that is undone", func(b builder) saga.Step {
		return saga.Sequence(b.each("l", 3, b.steps("a b")), b.step("c!"))
	}),

	one("waits for a timer", func(b builder) saga.Step {
		return saga.Sequence(b.step("a"), saga.Timer("nap", 3*time.Second), b.step("b"))
	}),
	one("waits for a signal", waitsForSignal).with(func(c *client) { c.wait(500 * time.Millisecond); c.signal("go") }).thoroughly(),
	one("its signal comes early", waitsForSignal).with(func(c *client) { c.signal("go") }),
	one("its signal never comes", func(b builder) saga.Step {
		return saga.Sequence(b.step("a"), saga.Signal("s", "go", 3*time.Second), b.step("b"))
	}),
	one("cancelled while it waits", waitsForSignal).with(func(c *client) { c.wait(500 * time.Millisecond); c.cancel() }),
	straight("cancelled while it runs", "a b+ c").with(func(c *client) { c.wait(500 * time.Millisecond); c.cancel() }),
	straight("starts later", "a b").starting(3 * time.Second),
	straight("its deadline passes", "a b+ c").within(4 * time.Second),

	family("a child", "k m", oneChild),
	family("a child that fails", "k m!", oneChild),
	family("a child that is undone", "k", func(b builder) saga.Step {
		return saga.Sequence(b.child("c", "kid"), b.step("a!"))
	}),
	family("two children side by side, of which one is undone", "k", func(b builder) saga.Step {
		return saga.Sequence(saga.Parallel("p", b.child("c", "kid"), b.step("a!")), b.child("d", "kid"))
	}),
	family("cancelled while its child runs", "k m+", oneChild).with(func(c *client) { c.wait(time.Second); c.cancel() }),

	straight("stuck", "a bx c!"),
	straight("stuck, and tried again", "a bx c!").resolving(saga.ResolveRetry),
	straight("stuck, and left as it is", "a bx c!").resolving(saga.ResolveSkip),
	straight("stuck, and undone by hand", "a bx c!").resolving(saga.ResolveDone),
}

// thoroughly has the pairs tried in Redis too.
func (s scenario) thoroughly() scenario {
	s.thorough = true
	return s
}

// starting puts the start off.
func (s scenario) starting(in time.Duration) scenario {
	s.client = func(c *client) { c.start(func(r *saga.Request) { r.ProcessAt = time.Now().Add(in) }) }
	return s
}

// within gives the whole task a deadline.
func (s scenario) within(d time.Duration) scenario {
	s.deadline = d
	return s
}
