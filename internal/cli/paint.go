package cli

import (
	"io"
	"strings"
)

// paint colours, where colours are seen and wanted. A colour never says what a word beside it does not say, too.
type paint struct {
	colour bool
	glyphs glyphs
}

// glyphs are the signs beside states. ascii is for terminals without UTF-8.
type glyphs struct {
	done, running, waiting, failed, undone, stuck, kept, none string
	full, half, light                                         string
	spinner                                                   []string
	dash                                                      string
}

var (
	utf8Glyphs = glyphs{
		done: "✓", running: "●", waiting: "◌", failed: "✗", undone: "↶", stuck: "!", kept: "≠", none: "·",
		full: "█", half: "▓", light: "░", spinner: strings.Split("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", ""), dash: "—",
	}
	asciiGlyphs = glyphs{
		done: "+", running: "*", waiting: "o", failed: "x", undone: "<", stuck: "!", kept: "=", none: ".",
		full: "#", half: "=", light: "-", spinner: strings.Split(`|/-\`, ""), dash: "-",
	}
)

// paintFor looks at what the stream is and at what the environment wants: NO_COLOR (https://no-color.org), CLICOLOR_FORCE,
// TERM and the locale.
func paintFor(w World, stream io.Writer) paint {
	get := func(name string) string { v, _ := w.Lookup(name); return v }
	p := paint{glyphs: utf8Glyphs}
	columns, _ := size(stream)
	p.colour = (columns > 0 && get("TERM") != "dumb" || get("CLICOLOR_FORCE") != "") && get("NO_COLOR") == ""
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToUpper(get(name)); locale != "" {
			if columns > 0 && !strings.Contains(locale, "UTF-8") && !strings.Contains(locale, "UTF8") {
				p.glyphs = asciiGlyphs
			}
			break
		}
	}
	return p
}

// The colours: the eight of every terminal, so that each theme shows them well.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
	dim    = "2"
	bold   = "1"
)

func (p paint) in(colour, s string) string {
	if !p.colour || colour == "" || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// state is the colour of a task's or a step's state, or of a version's.
func colourOf(state string) string {
	switch state {
	case "completed", "active":
		return green
	case "failed", "stuck", "locked":
		return red
	case "compensating", "compensated", "cancelled", "not_undone", "paused", "stopped, with undos":
		return yellow
	case "running":
		return blue
	case "waiting", "draft":
		return cyan
	}
	return dim
}
