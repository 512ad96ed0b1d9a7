// Package testenv starts what the tests talk to: the real redis-server, PostgreSQL and PostgREST, on free ports, with
// nothing left behind.
//
// A package that uses it hands its TestMain over, which also looks for leaked goroutines:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
// [Redis] gives every test a server of its own (it starts in milliseconds). [Supabase] is started on first use and
// shared by the tests of a package; tests keep apart by using names of their own.
//
// The programs are looked for on the PATH, where Debian puts them and where install.sh puts them.
package testenv
