// Package dialect turns the workflows that OSP's builder, its generators and its first deployer have written into
// definitions. Nothing is guessed in silence: each decision is a [Note] with its place in the source.
package dialect
