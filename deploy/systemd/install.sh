#!/usr/bin/env bash
# Installs osp and its units on Debian or Ubuntu: install.sh BINARY [ROLE…] (api and worker when none is named).
# Run again with another binary it upgrades, and keeps the old one as osp.previous. Settings that are there stay as they are.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "install.sh: run it as root" >&2; exit 1; }
binary=${1:?install.sh BINARY [ROLE…]}
shift
roles=("$@")
[ $# -gt 0 ] || roles=(api worker)
here=$(cd "$(dirname "$0")" && pwd)

"$binary" version # does it run on this machine?
install -m 755 "$binary" /usr/local/bin/osp.new # first, for the binary may be osp.previous itself
[ ! -e /usr/local/bin/osp ] || cp -p /usr/local/bin/osp /usr/local/bin/osp.previous
mv /usr/local/bin/osp.new /usr/local/bin/osp

install -d -m 750 /etc/osp
for file in osp.env api.env worker.env; do
    [ -e "/etc/osp/$file" ] || install -m 600 "$here/$file" "/etc/osp/$file"
done
install -m 644 "$here/osp@.service" /etc/systemd/system/osp@.service

if [ -e /etc/redis/redis.conf ] && [ ! -e /etc/redis/osp.conf ]; then
    install -m 644 "$here/redis.conf" /etc/redis/osp.conf
    echo 'include /etc/redis/osp.conf' >>/etc/redis/redis.conf
    systemctl restart redis-server
fi

systemctl daemon-reload
for role in "${roles[@]}"; do
    systemctl enable "osp@$role"
    systemctl restart "osp@$role"
done
