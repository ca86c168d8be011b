#!/bin/sh
# PostgreSQL as Debian packages it, told what to do in the words of the official image.
set -eu
export PGDATA=/var/lib/postgresql/data
bin=$(echo /usr/lib/postgresql/*/bin)
chown postgres:postgres "$PGDATA"
chmod 0700 "$PGDATA"
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  as "$bin/initdb" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -A scram-sha-256
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  printf 'CREATE DATABASE %s;\n' "$POSTGRES_DB" | as "$bin/postgres" --single -j postgres
fi
# Where the official image has its socket too.
install -d -o postgres -g postgres /var/run/postgresql
# The command is `postgres` and its options.
[ "${1:-}" = postgres ] && shift
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$bin/postgres" "$@" -c 'listen_addresses=*'
