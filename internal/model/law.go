package model

// Law is what must hold in every state.
type Law string

// The laws.
const (
	None        Law = ""
	TooLong     Law = "the bounds are too small: a journal is full"
	Overtaken   Law = "the word of a runner that was overtaken was taken"
	Twice       Law = "a do begins while another runner, whose lease lasts, is in it"
	LateDo      Law = "a do acts after its undo"
	LeftOver    Law = "the task ended undone, and its effect is there"
	NotThere    Law = "the task is completed, and its effect is not there"
	Unheeded    Law = "the task is completed, although it was cancelled before"
	Unwritten   Law = "the row is behind the journal, and nobody knows"
	Forgotten   Law = "the journal expired before its row was written"
	NeverEnding Law = "nothing but misfortune brings the task to its end"
)

// check holds a state to the laws that can be seen in it. The others are seen in what leads to it.
func (s *state) check() Law {
	switch {
	case s.broken != None:
		return s.broken
	case s.gone && s.stored < s.length:
		return Forgotten
	case !s.gone && s.dirty == clean && s.stored < s.length:
		return Unwritten
	}
	return None
}

// finish checks what the task's end says against what happened.
func (s *state) finish(e event) {
	r := fold(s.log[:s.length])
	switch {
	case e == completed && r.cancel:
		s.broken = Unheeded
	case e == completed && (!s.did || s.undid):
		s.broken = NotThere
	case e == undone && s.did && !s.undid:
		s.broken = LeftOver
	}
}

// act is the moment at which a do has its effect.
func (s *state) act() {
	if s.undid || s.ended() && s.log[s.length-1] == undone {
		s.broken = LateDo
	}
	s.did = true
}

// settled tells whether nothing is left to be done.
func (s *state) settled() bool {
	return s.ended() && s.stored == s.length && s.kept
}
