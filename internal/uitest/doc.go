// Package uitest tests the pages at /ui/ in a real browser, against a real server.
//
// Each test has a server in its own process, with types of tasks whose steps do what the test says, and a headless Chromium. What a
// page writes to its console as an error, or what its Content-Security-Policy refuses, fails the test. Screenshots are kept in
// build/ui-screenshots, or in the folder that OSP_TEST_OUTPUT names.
package uitest
