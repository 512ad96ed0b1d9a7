package main

import "syscall"

// dieWithParent has the kernel end the child when we end, however that happens.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
