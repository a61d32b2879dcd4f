#!/usr/bin/env bash
# Runs inside the container at the first start of its database (compose.yaml mounts it into
# /docker-entrypoint-initdb.d) and does what `drizzle-kit migrate` does: applies the migrations in the order of their
# journal, in one transaction, and writes the ledger, so that a later `drizzle-kit migrate` finds nothing to do.
# Any error ends the container and leaves nothing behind; after the cause is gone: docker compose down --volumes.

# A function in a subshell: the image sources this file, into its own shell, where it is not executable.
migrate_on_first_start() (
  set -euo pipefail
  migrations=/opt/opa-db/drizzle
  journal=$(<"$migrations/meta/_journal.json")
  psql=(psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc --quiet --set ON_ERROR_STOP=1)

  # The image has no JSON parser except the database
  entries=$("${psql[@]}" --tuples-only --no-align --field-separator ' ' --set journal="$journal" <<'SQL'
    SELECT entry."when", entry.tag
    FROM jsonb_to_recordset(:'journal'::jsonb -> 'entries') AS entry (idx integer, "when" bigint, tag text)
    ORDER BY entry.idx;
SQL
  )
  [ -n "$entries" ] || { echo "no migrations in $migrations/meta/_journal.json" >&2; exit 1; }

  # The transaction is ended by the last line written: if this shell fails before, psql rolls back
  {
    echo 'BEGIN;'
    echo 'CREATE SCHEMA IF NOT EXISTS public_opa;'
    echo 'CREATE TABLE IF NOT EXISTS public_opa.migrations
            (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);'
    while read -r when tag; do
      hash=$(sha256sum "$migrations/$tag.sql" | cut -d ' ' -f 1)
      echo "\\echo migrating: $tag"
      echo "\\include $migrations/$tag.sql"
      echo "INSERT INTO public_opa.migrations (hash, created_at) VALUES ('$hash', $when);"
    done <<<"$entries"
    echo 'COMMIT;'
  } | "${psql[@]}"
)

migrate_on_first_start
