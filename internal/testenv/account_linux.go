package testenv

import "syscall"

// attributes make the child end with its parent, even a killed one.
func attributes(h how) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if h.onDeath != 0 {
		a.Pdeathsig = h.onDeath
	}
	if h.user != nil {
		a.Credential = &syscall.Credential{Uid: h.user.uid, Gid: h.user.gid}
	}
	return a
}
