package cli

import (
	"fmt"
	"io"
	"strings"
)

// screen draws lines at the end of a terminal, over what it has drawn there before.
type screen struct {
	out    io.Writer
	size   func() (width, height int)
	paint  paint
	drawn  []string
	hidden bool // the cursor
}

// Sequences that every terminal knows. Those that begin with ?2026 ask for one picture at a time; others ignore them.
const (
	hideCursor, showCursor = "\x1b[?25l", "\x1b[?25h"
	beginPicture           = "\x1b[?2026h"
	endPicture             = "\x1b[?2026l"
	eraseBelow             = "\x1b[J"
	eraseLine              = "\x1b[K"
)

// draw replaces what was drawn. Nothing is written when nothing has changed.
func (s *screen) draw(list []string) {
	same := len(list) == len(s.drawn)
	for i := 0; same && i < len(list); i++ {
		same = list[i] == s.drawn[i]
	}
	if same {
		return
	}
	var b strings.Builder
	b.WriteString(beginPicture)
	if !s.hidden {
		b.WriteString(hideCursor)
		s.hidden = true
	}
	b.WriteString(s.up())
	for _, l := range list {
		b.WriteString(l + eraseLine + "\r\n")
	}
	b.WriteString(eraseBelow + endPicture)
	s.drawn = append([]string{}, list...)
	_, _ = io.WriteString(s.out, b.String())
}

// up moves to where the drawing began. A terminal that was made narrower has broken its lines.
func (s *screen) up() string {
	w, _ := s.size()
	rows := 0
	for _, l := range s.drawn {
		rows += max(1, (width(bare(l))+w-1)/max(1, w))
	}
	if rows == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", rows)
}

// erase takes the drawing away, and shows the cursor again.
func (s *screen) erase() {
	out := ""
	if len(s.drawn) > 0 {
		out = s.up() + eraseBelow
	}
	if s.hidden {
		out += showCursor
	}
	s.drawn, s.hidden = nil, false
	_, _ = io.WriteString(s.out, out)
}

// bare is a line without its colours, which are the only sequences in it.
func bare(l string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(l, "\x1b[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, l, _ = strings.Cut(rest, "m")
	}
}
