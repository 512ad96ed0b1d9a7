// Package ui is the pages at /ui/: what tasks do, live, and what people may do about them.
//
// The files under app are served as they are: ES modules, Preact and htm from app/vendor, and style sheets. Nothing is built. The
// pages read the API under /v1, like any other client, with the cookie of a session; see docs/adr/0031-pages-without-a-build.md.
package ui
