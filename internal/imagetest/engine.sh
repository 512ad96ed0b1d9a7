#!/usr/bin/env bash
# Runs a command beside a Docker engine of its own, with the image made from the unmodified Dockerfile in it:
#
#   internal/imagetest/engine.sh COMMAND…
#
# COMMAND finds the engine by DOCKER_HOST, the client in DOCKER, the image in OSP_IMAGE. Everything ends with it. It needs
# root on Debian or Ubuntu, whose packages have the engine, and no registry and no network: what the Dockerfile names as its
# base is made here, from Go as it is installed and the modules as they are in its cache.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() {
	echo "image-test: $*" >&2
	exit 1
}
say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

[ "$(id -u)" = 0 ] || die 'a container engine needs root: run this as root'

install() {
	local missing=()
	[ -x /usr/sbin/dockerd ] || missing+=(docker.io)
	[ -x /usr/sbin/iptables ] || missing+=(iptables)
	[ -x /bin/busybox ] || missing+=(busybox-static)
	[ -x /usr/bin/docker-compose ] || missing+=(docker-compose)
	[ -x /usr/sbin/nginx ] || missing+=(nginx-light)
	[ "${#missing[@]}" -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "these programs of Debian's packages are missing: ${missing[*]}"
	local policy=/usr/sbin/policy-rc.d made=
	if [ ! -e "$policy" ]; then # keeps dpkg from starting the daemon
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		made=1
	fi
	echo "installing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
	[ -z "$made" ] || rm -f "$policy"
}

# Debian's client has BuildKit in it; another one on the PATH may want a plugin for it.
export DOCKER=/usr/bin/docker DOCKER_BUILDKIT=1 OSP_IMAGE=osp:test
work=$(mktemp -d)
daemon=

finish() {
	local code=$?
	set +e
	if [ -n "$daemon" ]; then
		"$DOCKER" ps -aq 2>/dev/null | xargs -r "$DOCKER" rm -f >/dev/null 2>&1
		kill "$daemon"
		wait "$daemon"
	fi
	[ "$code" = 0 ] || tail -n 20 "$work/dockerd.log" 2>/dev/null
	awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l # the engine leaves one
	chmod -R u+w "$work"
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT

start_engine() {
	export DOCKER_HOST=unix://$work/docker.sock
	/usr/sbin/dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" -H "$DOCKER_HOST" \
		>"$work/dockerd.log" 2>&1 &
	daemon=$!
	for _ in $(seq 150); do
		"$DOCKER" version >/dev/null 2>&1 && return
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.2
	done
	die 'dockerd does not start'
}

# The base of the build: Go, a shell, certificates, and the modules that go.mod names, as a proxy in a folder.
make_base() {
	local base=$work/base name
	name=$(sed -n 's/^FROM .*\(golang:[^ ]*\) AS build$/\1/p' Dockerfile)
	mkdir -p "$base"/{bin,etc/ssl/certs,go,root,tmp}
	cp /bin/busybox "$base/bin/"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$base/bin/$applet"
	done
	cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$base/etc/passwd"
	go mod download
	local cache
	cache=$(go env GOMODCACHE)/cache/download
	GOFLAGS=-modcacherw GOMODCACHE=$base/modules GOPROXY=file://$cache GONOSUMDB='*' go mod download
	find "$base/modules" -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +
	local root
	root=$(go env GOROOT)
	tar -c -C "$base" . -C "$(dirname "$root")" --transform "s,^$(basename "$root"),usr/local/go," \
		--exclude="$(basename "$root")/test" "$(basename "$root")" |
		"$DOCKER" import -c 'ENV PATH=/usr/local/go/bin:/bin' -c 'ENV GOPATH=/go' -c 'ENV GOTOOLCHAIN=local' \
			-c 'ENV GOPROXY=file:///modules/cache/download' -c 'ENV GONOSUMDB=*' - "$name" >/dev/null
	rm -rf "$base"
}

# The images that the compose file names: this machine's own programs, mounted when they run (standin.yaml).
make_stand_ins() {
	local root=$work/standin
	mkdir -p "$root"/{etc/nginx,opt,proc,run,tmp,usr,var/lib/nginx,var/log/nginx}
	cp /usr/share/zoneinfo/UTC "$root/etc/localtime"
	chmod 1777 "$root/tmp"
	cp internal/imagetest/standin.sh "$root/opt/"
	cp "${XDG_CACHE_HOME:-$HOME/.cache}/osp/postgrest/postgrest" "$root/opt/"
	ln -s usr/bin usr/lib usr/lib64 usr/sbin "$root/"
	printf 'root:x:0:0:root:/root:/bin/sh\nstandin:x:999:999::/tmp:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nstandin:x:999:\n' >"$root/etc/group"
	printf 'events {}\nhttp { include /etc/nginx/conf.d/*.conf; }\n' >"$root/etc/nginx/nginx.conf"
	local name bin
	bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)
	for name in redis postgres postgrest nginx; do
		tar -c -C "$root" . | "$DOCKER" import -c "ENV PATH=$bin:/usr/sbin:/usr/bin" \
			-c "ENTRYPOINT [\"/bin/bash\", \"/opt/standin.sh\", \"$name\"]" - \
			"$(sed -n "s,^ *image: \(\(.*/\)\?$name:.*\),\1,p" deploy/compose/compose.yaml)" >/dev/null
	done
	rm -rf "$root"
}

build() {
	"$DOCKER" build --network none --progress plain -t "$OSP_IMAGE" \
		--build-arg VERSION="$VERSION" --build-arg COMMIT="$COMMIT" --build-arg DATE="$DATE" . >"$work/build.log" 2>&1 || {
		tail -n 40 "$work/build.log"
		die 'the image cannot be built'
	}
}

install
start_engine
say "engine $("$DOCKER" version -f '{{.Server.Version}}'), storage $("$DOCKER" info -f '{{.Driver}}')"
make_base
say 'base made, of Go and the modules that are here'
VERSION=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT=$(git rev-parse HEAD 2>/dev/null || true)
DATE=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || true)
export VERSION COMMIT DATE
build
say 'image built from the unmodified Dockerfile, without a network'
make_stand_ins
say "what the compose file names is there: this machine's own programs"
"$@"
