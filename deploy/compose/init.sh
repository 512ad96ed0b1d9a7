#!/usr/bin/env bash
# Writes .env with a password, a JWT secret and keys of your own. What is there already is kept.
set -euo pipefail
cd "${1:-$(dirname "$0")}"
if [ -e .env ]; then
    echo "init.sh: .env is there already; delete it, and the volumes with 'docker compose down -v', to begin anew" >&2
    exit 1
fi
umask 077

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

postgres_password=$(openssl rand -hex 24)
jwt_secret=$(openssl rand -hex 32)
head=$(printf %s '{"alg":"HS256","typ":"JWT"}' | base64url)
claims=$(printf '{"role":"service_role","iss":"osp","iat":%d,"exp":%d}' "$(date +%s)" "$(($(date +%s) + 10 * 365 * 24 * 3600))" | base64url)
signature=$(printf %s "$head.$claims" | openssl dgst -sha256 -hmac "$jwt_secret" -binary | base64url)
key=osp_$(openssl rand -hex 24)

cat >.env <<EOF
COMPOSE_PROJECT_NAME=osp
POSTGRES_PASSWORD=$postgres_password
JWT_SECRET=$jwt_secret
SUPABASE_SERVICE_ROLE_KEY=$head.$claims.$signature
OSP_API_KEYS=laptop:operator:$(printf %s "$key" | sha256sum | cut -d ' ' -f 1)
# The key itself, for you: Authorization: Bearer \$KEY
KEY=$key
EOF
echo "wrote .env"
