package definition

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/osp-platform/osp/internal/sentence"
)

// sort is what a JSON value is, or several of that.
type sort uint8

const (
	aText sort = 1 << iota
	aNumber
	aBool
	aList
	anObject

	anything = aText | aNumber | aBool | aList | anObject
)

// shape is what a param has to be.
type shape struct {
	sort
	required bool
	of       sort // what its items or members are; zero: anything
	// Of a number: at least from, at most to (zero: any), and whole.
	from, to float64
	whole    bool
}

// shapes are the params of the activities that hold theirs to something: with others the activity would refuse to act.
var shapes = map[string]map[string]shape{
	"create_entity": {"entity": {sort: aText, required: true}, "data": {sort: anObject, required: true}},
	"update_entity": {
		"entity": {sort: aText, required: true}, "id": {sort: aText, required: true}, "data": {sort: anObject, required: true},
	},
	"delete_entity": {"entity": {sort: aText, required: true}, "id": {sort: aText, required: true}},
	"query_entity": {
		"entity": {sort: aText, required: true}, "id": {sort: aText}, "filters": {sort: anObject}, "limit": {sort: aNumber, whole: true},
	},
	"update_manifest": {"manifest": {sort: anObject}, "version": {sort: aNumber, from: 1, whole: true}, "activate": {sort: aBool}},
	"call_api": {
		"url": {sort: aText, required: true}, "method": {sort: aText}, "headers": headers, "body": {sort: anything},
		"form": {sort: aBool},
	},
	"call_stripe": service,
	"call_openai": service,
	"post_webhook": {
		"url": {sort: aText, required: true}, "secret": {sort: aText, required: true}, "headers": headers,
		"body": {sort: anything, required: true},
	},
	"send_email": {
		"to": {sort: aText | aList, required: true, of: aText}, "cc": {sort: aText | aList, of: aText},
		"bcc": {sort: aText | aList, of: aText}, "reply_to": {sort: aText}, "subject": {sort: aText, required: true},
		"text": {sort: aText}, "html": {sort: aText},
	},
	"send_sms": {"to": {sort: aText, required: true}, "text": {sort: aText, required: true}},
	"validate_data": {
		"data": {sort: anything, required: true}, "required": {sort: aList, of: aText}, "types": {sort: anObject, of: aText},
		"rules": {sort: aList, of: anObject}, "schema": {sort: anObject | aBool},
	},
	typeDelay: {delaySeconds: {sort: aNumber, required: true, to: maxTimer}},
}

var (
	headers = shape{sort: anObject, of: aText}
	service = map[string]shape{
		"path": {sort: aText, required: true}, "key": {sort: aText, required: true}, "method": {sort: aText}, "headers": headers,
		"body": {sort: anything},
	}
)

// checkShape holds the params of an activity to what it takes. What a template stands for is known as far as its type is.
func (c *compiler) checkShape(a *Activity, p params, at string, undo bool) {
	given := members(p.value)
	c.checkSecrets(a, given, at)
	known, ok := shapes[a.Type]
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if _, given := a.Params[name]; !given && known[name].required {
			c.errorf(at, "%s needs the param %q: add it.", a.Type, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Params)) {
		if _, ok := known[name]; !ok {
			c.errorf(at+"/"+escape(name), "%s has no such param: it takes %s.", a.Type, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	c.checkChoice(a, given, at)
	for name, v := range given {
		s, ok := known[name]
		if a.Type == typeDelay && undo {
			s.to = MaxDelay.Seconds()
		}
		if ok {
			c.hold(v, s, at+"/"+escape(name))
		}
	}
}

// hold holds a param to its shape.
func (c *compiler) hold(v value, s shape, at string) {
	if !c.holdSort(v, s.sort, s.required && s.sort != anything, at) {
		return
	}
	if s.required && s.sort == aText && empty(v) {
		c.errorf(at, "This is empty: give a value.")
	}
	c.holdNumber(v, s, at)
	if s.of == 0 {
		return
	}
	for name, member := range members(v) {
		c.holdSort(member, s.of, true, at+"/"+escape(name))
	}
}

func (c *compiler) holdSort(v value, want sort, required bool, at string) bool {
	is := sortOf(v)
	if is&want != 0 || is == 0 && !required {
		return true
	}
	mend := ""
	if x, ok := v.(whole); ok && want == aText && is&(aNumber|aBool) != 0 {
		mend = ": write ${string(" + sentence.Shorten(x.source, 80) + ")}"
	}
	c.errorf(at, "This is %s, and must be %s%s.", is, want, mend)
	return false
}

// members are the members of an object, or the items of a list by their numbers.
func members(v value) map[string]value {
	all := map[string]value{}
	switch v := v.(type) {
	case literal:
		switch given := v.v.(type) {
		case map[string]any:
			for name, member := range given {
				all[name] = literal{member}
			}
		case []any:
			for i, item := range given {
				all[strconv.Itoa(i)] = literal{item}
			}
		}
	case fields:
		for _, member := range v {
			all[member.name] = member.value
		}
	case list:
		for i, item := range v {
			all[strconv.Itoa(i)] = item
		}
	case addressed:
		return members(v.value) // the address was held to more than its sort
	}
	return all
}

// sortOf is what a value is: any sort where that is known only when it runs, none when it is null.
func sortOf(v value) sort {
	switch v := v.(type) {
	case literal:
		return sortOfJSON(v.v)
	case whole:
		return sortOfCEL(v.checked.OutputType())
	case text:
		return aText
	case list:
		return aList
	case fields, addressed:
		return anObject
	}
	return anything
}

func sortOfJSON(v any) sort {
	switch v.(type) {
	case nil:
		return 0
	case string:
		return aText
	case bool:
		return aBool
	case []any:
		return aList
	case map[string]any:
		return anObject
	case json.Number, float64, int, int64:
		return aNumber
	}
	return anything
}

// sortsOfCEL are what values of CEL's types become as JSON; of any other type they may be anything.
var sortsOfCEL = map[cel.Kind]sort{
	cel.StringKind: aText, cel.BytesKind: aText, cel.TimestampKind: aText, cel.DurationKind: aText,
	cel.IntKind: aNumber, cel.UintKind: aNumber, cel.DoubleKind: aNumber,
	cel.BoolKind: aBool, cel.ListKind: aList, cel.MapKind: anObject, cel.NullTypeKind: 0,
}

func sortOfCEL(t *cel.Type) sort {
	if known, ok := sortsOfCEL[t.Kind()]; ok {
		return known
	}
	return anything
}

// String lists the sorts in words.
func (k sort) String() string {
	if k == 0 {
		return "null"
	}
	var words []string
	for i, word := range []string{"a text", "a number", "true or false", "a list", "an object"} {
		if k&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ")
}
