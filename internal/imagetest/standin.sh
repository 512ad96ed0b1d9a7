#!/bin/bash
# What the entry points of the images do that the compose file names, with this machine's programs:
#
#   standin.sh redis|postgres|postgrest|nginx COMMAND…
set -euo pipefail
role=$1
shift

# Of the image's own script as much as the compose file uses: a first database, and the scripts that make it what it is.
postgres_image() {
	local data=/var/lib/postgresql/data
	mkdir -p "$data" && chown -R standin "$data"
	as() { setpriv --reuid standin --regid standin --clear-groups "$@"; }
	if [ ! -e "$data/PG_VERSION" ]; then
		as initdb --pgdata "$data" --username "$POSTGRES_USER" --auth-local trust --auth-host scram-sha-256 \
			--encoding UTF8 --locale C >/dev/null
		echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
		as pg_ctl --pgdata "$data" --wait --options "-c listen_addresses='' -c unix_socket_directories=/tmp" start
		export PGHOST=/tmp
		echo "alter role $POSTGRES_USER password '$POSTGRES_PASSWORD'" | as psql --quiet --username "$POSTGRES_USER" postgres
		for script in /docker-entrypoint-initdb.d/*.sh; do as "$script"; done
		as pg_ctl --pgdata "$data" --wait stop
	fi
	exec setpriv --reuid standin --regid standin --clear-groups \
		postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
}

case $role in
redis) exec "$@" --protected-mode no ;; # the image has none, either
postgres) postgres_image ;;
postgrest) exec /opt/postgrest ;;
nginx) exec nginx -g 'daemon off; user standin; error_log stderr;' ;;
esac
