package server

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

// Environment is where settings come from: os.LookupEnv and the like, or a test's own.
type Environment struct {
	Lookup   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
	Environ  func() []string // all of it, as os.Environ has it; nil: misspelt variables are not told of
}

// OSEnvironment is the process's own.
func OSEnvironment() Environment {
	return Environment{Lookup: os.LookupEnv, ReadFile: os.ReadFile, Environ: os.Environ}
}

// Port is where the server of this environment listens.
func (e Environment) Port() (string, error) {
	port, err := e.get("PORT")
	return cmp.Or(port, "8080"), err
}

// ConfigError names the variable that is wrong, and the mend.
type ConfigError struct {
	Variable string
	Reason   string
}

func (e *ConfigError) Error() string { return e.Variable + " " + e.Reason }

// get returns a variable, or the contents of the file that NAME_FILE names.
func (e Environment) get(names ...string) (string, error) {
	for _, name := range names {
		if v, ok := e.Lookup(name); ok && v != "" {
			return v, nil
		}
		if path, ok := e.Lookup(name + "_FILE"); ok && path != "" {
			return e.read(name+"_FILE", path)
		}
	}
	return "", nil
}

// read returns the contents of the file that a variable names.
func (e Environment) read(variable, path string) (string, error) {
	raw, err := e.ReadFile(path)
	if err != nil {
		return "", &ConfigError{variable, fmt.Sprintf("names a file that cannot be read: %v", err)}
	}
	return strings.TrimSpace(string(raw)), nil
}

// secret finds a named secret: OSP_SECRET_NAME, or the file that OSP_SECRET_NAME_FILE names.
func (e Environment) secret(name string) (string, bool) {
	if strings.HasSuffix(name, "_FILE") {
		return "", false // it would be the path, not the secret
	}
	v, err := e.get("OSP_SECRET_" + name)
	return v, err == nil && v != ""
}
