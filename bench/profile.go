package main

import (
	"errors"
	"os"
	"runtime/pprof"
)

// profiled runs f under the profilers that are asked for.
func profiled(s settings, f func() (outcome, error)) (o outcome, err error) {
	if s.profile != "" {
		file, err := os.Create(s.profile)
		if err != nil {
			return outcome{}, err
		}
		defer func() { _ = file.Close() }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return outcome{}, err
		}
		defer pprof.StopCPUProfile()
	}
	if o, err = f(); err != nil || s.allocs == "" {
		return o, err
	}
	file, err := os.Create(s.allocs)
	if err != nil {
		return o, err
	}
	return o, errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
