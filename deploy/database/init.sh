#!/bin/bash
# Run once by the container of the database, when its volume is empty: the files of examples/companydata/database in their
# order, and then a password for each role, which is neither in an argument of a program nor in the log of the server.
set -euo pipefail

run() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" "$@"
}

run --dbname postgres --file /database/1_roles.sql --file /database/2_database.sql
run --dbname companydata --single-transaction \
    --file /database/3_schema.sql --file /database/4_tables.sql --file /database/5_privileges.sql

for role in de_user ds_user app_user analyst; do
    name=${role^^}_PASSWORD
    ROLE=$role PASSWORD=${!name:?} run --dbname postgres <<'SQL'
\set role `printenv ROLE`
\set password `printenv PASSWORD`
SET log_statement = none;
SET log_min_error_statement = panic;
ALTER ROLE :"role" PASSWORD :'password';
SQL
done
