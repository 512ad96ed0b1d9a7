package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// plain makes a text harmless on a terminal, on one line: what moves the cursor, changes colours, turns the direction of
// writing or is no character at all is shown as its escape. White space becomes one blank.
func plain(s string) string { return shown(strings.Join(strings.Fields(s), " "), false) }

// lines is plain for a text that may have several lines.
func lines(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", "    ")
	return strings.Split(shown(strings.TrimRight(s, "\n"), true), "\n")
}

func shown(s string, newlines bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case newlines && r == '\n', r == ' ', printable(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// printable leaves out the controls (C0, C1), the formats (bidirectional overrides, zero widths) and other invisible ones.
// The joiner and the selector of variants stay, for emoji are made with them.
func printable(r rune) bool { return unicode.IsPrint(r) || r == '\u200d' || r == '\ufe0f' }

// width is how many columns a text takes.
func width(s string) int { return displaywidth.String(s) }

// clip cuts a text to a width, with an ellipsis.
func clip(s string, w int) string {
	if w < 1 {
		return ""
	}
	return displaywidth.TruncateString(s, w, "…")
}

// wrap breaks a text into lines of a width at blanks, or within a word that is longer. Without a width it stays whole.
func wrap(s string, w int) (list []string) {
	if w < 1 {
		return []string{s}
	}
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= w:
			line += " " + word
			continue
		default:
			list, line = append(list, line), word
		}
		for width(line) > w {
			head := displaywidth.TruncateString(line, w, "")
			if head == "" {
				break
			}
			list, line = append(list, head), line[len(head):]
		}
	}
	return append(list, line)
}

// lasting tells a duration in at most two units: "20 ms", "0.4 s", "12 s", "3 min 5 s", "2 h 10 min", "3 d 4 h".
func lasting(d time.Duration) string {
	two := func(a time.Duration, one string, b time.Duration, other string) string {
		if d%a < b {
			return fmt.Sprintf("%d %s", d/a, one)
		}
		return fmt.Sprintf("%d %s %d %s", d/a, one, d%a/b, other)
	}
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return "0 s"
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, "min", time.Second, "s")
	case d < day:
		return two(time.Hour, "h", time.Minute, "min")
	}
	return two(day, "d", time.Hour, "h")
}

// times writes a number with what there is that many of: "1 step", "2 steps".
func times(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// age tells roughly how old something is, in one unit; "now" within a second.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// ago is an age in a sentence.
func ago(d time.Duration) string {
	if d < time.Second {
		return "now"
	}
	return age(d) + " ago"
}
