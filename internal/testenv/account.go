package testenv

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// account is a user of this machine.
type account struct{ uid, gid uint32 }

// unprivileged returns the account for programs that refuse to run as root; nil when we are not root ourselves.
func unprivileged() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &account{uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root and there is no account postgres or nobody")
}
