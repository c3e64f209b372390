#!/bin/bash
# Make a cluster where there is none, run the init scripts on a server that listens on its socket alone, then serve.
set -euo pipefail
if [[ ! -s $PGDATA/PG_VERSION ]]; then
    initdb --username=postgres --pwfile=<(printf '%s' "${POSTGRES_PASSWORD:?}") --auth-local=trust \
        --auth-host=scram-sha-256 --encoding=UTF8 >/dev/null
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl --silent --wait --options="-c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        "$script"
    done
    pg_ctl --silent --wait stop
fi
exec "$1" -c listen_addresses='*' "${@:2}"
