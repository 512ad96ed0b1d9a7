// Package tasks holds what OSP can do: the catalogue of task types, one file each, and the activities they are made of.
//
// A [Type] is a name, a JSON Schema for its input, and a function that builds the workflow. The built-in ones are
// [ServiceCreate], [EntityCreate], [EntityUpdate], [EntityDelete] and [HTTPSaga]; a program that wants more writes its
// own Type and registers it beside them with [NewCatalogue].
//
// What the types of services and entities do to a database goes through [Effects], and what http.saga sends goes through
// [HTTP]: this package opens no other socket, and reads neither clock nor environment.
package tasks
