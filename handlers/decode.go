package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// Limits of bodies, in bytes. What is over gives 413.
const (
	maxStart  = saga.MaxInput + 64<<10 // an input and what stands around it
	maxSignal = saga.MaxOutput         // a payload
	maxBatch  = 8 << 20                // of starts
	maxAction = 64 << 10               // cancel, retry, resolve
	maxShown  = 200                    // of a client's own text in an error
)

// body reads a request's body, which is JSON. An empty one is returned as nil.
func body(c *gin.Context, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(tooLarge).because("The body is over the limit of %d bytes.", over.Limit)
	}
	if err != nil {
		return nil, refuse(malformed).because("The body ended before it was complete.")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if !isJSON(c.Request.Header) {
		return nil, refuse(wrongMedia)
	}
	return data, wellFormed(data)
}

// isJSON tells whether the headers do not deny that the body is JSON.
func isJSON(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	media := h.Get("Content-Type")
	if media == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(media)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// wellFormed checks that data is one JSON value in UTF-8 in which no object has a name twice: which of the two counts
// would depend on who reads it.
func wellFormed(data []byte) error {
	if !utf8.Valid(data) {
		return refuse(malformed).because("The body is not valid UTF-8.")
	}
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole) // bounds the nesting, too, on which duplicate relies
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column := position(data, syntax.Offset)
		return refuse(malformed).because("Line %d, column %d: %s.", line, column, syntax.Error())
	}
	if err != nil {
		return refuse(malformed)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // a number may be too large for a float64, which is none of our business
	if names, found := duplicate(dec); found {
		slices.Reverse(names)
		return refuse(invalid, atPointer(pointer(names...), "is given twice"))
	}
	return nil
}

// position is the line and column, from 1, of the byte at which the decoder stopped.
func position(data []byte, offset int64) (line, column int) {
	before := data[:max(0, min(offset, int64(len(data)))-1)]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}

// duplicate reads one value. It returns the names that lead to a member that is given twice, the innermost first.
func duplicate(dec *json.Decoder) (names []string, found bool) {
	token, err := dec.Token()
	if err != nil {
		return nil, false // cannot be: the document has been checked
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]struct{}{}
		for dec.More() {
			token, _ := dec.Token()
			name, _ := token.(string)
			if _, twice := seen[name]; twice {
				return []string{name}, true
			}
			seen[name] = struct{}{}
			if names, found := duplicate(dec); found {
				return append(names, name), true
			}
		}
		_, _ = dec.Token()
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if names, found := duplicate(dec); found {
				return append(names, index(i)), true
			}
		}
		_, _ = dec.Token()
	}
	return nil, false
}
