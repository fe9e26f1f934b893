-- A role for gateways that owns nothing, so that no mistake of theirs removes a rail.
-- Run once by the owner of the tables, in their schema, after `corridor init`. `corridor migrate` is
-- run by the owner, too, and gives the role what later versions need.
-- Name this role in `log.database` (user=corridor_gateway) and its password in PGPASSFILE.

CREATE ROLE corridor_gateway LOGIN;

DO $$ BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO corridor_gateway', current_schema());
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO corridor_gateway',
                 current_schema());
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO corridor_gateway', current_schema());
END $$;

-- The tree only grows, and the log keeps its name and its tables' version.
REVOKE UPDATE, DELETE ON entry, tile_hash, checkpoint, document, cosignature FROM corridor_gateway;
REVOKE INSERT, DELETE ON log_head FROM corridor_gateway;
REVOKE INSERT, UPDATE, DELETE ON log, log_revision FROM corridor_gateway;
