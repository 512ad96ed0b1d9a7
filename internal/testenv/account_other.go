//go:build unix && !linux

package testenv

import "syscall"

// attributes of the child. Only Linux can tie it to its parent's life.
func attributes(h how) *syscall.SysProcAttr {
	if h.user == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: h.user.uid, Gid: h.user.gid}}
}
