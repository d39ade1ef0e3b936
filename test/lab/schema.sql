-- The lab's database, run once by PostgreSQL's single-user mode: before the server listens, without a network or a
-- password. Guarantees: what a just-in-time role reads is decided by GRANTs and by row-level security that depends
-- on session_user and access.claims alone; that role can neither read nor write access.claims, and no role with
-- more rights than the issuer's two functions can log in. Does not protect against: a role changing its own
-- password (SQL has no privilege for it; access.live_claims() then shows it no rows and the issuer drops it), or
-- row estimates in EXPLAIN. A command here ends with ";" and an empty line: single-user mode reads it so.

CREATE ROLE access_guard NOLOGIN NOINHERIT CREATEROLE;
CREATE ROLE credential_issuer LOGIN NOINHERIT CONNECTION LIMIT 8;
CREATE ROLE analyst NOLOGIN;
CREATE ROLE support NOLOGIN;
CREATE ROLE admin NOLOGIN;
GRANT analyst, support, admin TO access_guard WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
GRANT SELECT ON pg_catalog.pg_authid TO access_guard;

-- Nothing that is not named below.
REVOKE ALL ON DATABASE lab, postgres, template1 FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql, sql FROM PUBLIC;
REVOKE ALL ON pg_catalog.pg_roles, pg_catalog.pg_user, pg_catalog.pg_group, pg_catalog.pg_auth_members,
  pg_catalog.pg_db_role_setting, pg_catalog.pg_stat_activity, pg_catalog.pg_locks, pg_catalog.pg_settings FROM PUBLIC;
GRANT CONNECT ON DATABASE lab TO credential_issuer, analyst, support, admin;

-- Functions that act, wait, signal, or look at other sessions and files are volatile, with the exceptions named here.
DO $$
DECLARE
  acts regprocedure;
BEGIN
  FOR acts IN
    SELECT oid FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
      AND (provolatile = 'v' OR proname ~ '^(pg_stat_get|pg_show_|pg_ls_|pg_read_|pg_lock|lo_|lo(read|write|close)|pg_get_(backend|shmem|replication))'
           OR proname ~ '_to_xml')
      AND proname NOT IN ('random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', acts);
  END LOOP;
END
$$;

-- Sensible defaults; whoever can run SQL can change them, so nothing depends on them.
ALTER DATABASE lab SET default_transaction_read_only = on;
ALTER DATABASE lab SET statement_timeout = '30s';
ALTER DATABASE lab SET idle_in_transaction_session_timeout = '60s';
ALTER DATABASE lab SET work_mem = '8MB';
ALTER DATABASE lab SET temp_file_limit = '256MB';
ALTER DATABASE lab SET search_path = shop, published;
ALTER ROLE credential_issuer SET default_transaction_read_only = off;

CREATE SCHEMA access AUTHORIZATION access_guard;
CREATE TABLE access.claims (
  role_name name PRIMARY KEY,
  subject text NOT NULL,
  username text NOT NULL,
  roles text[] NOT NULL,
  region text,
  verifier_digest bytea NOT NULL,
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > issued_at AND expires_at <= issued_at + interval '60 minutes')
);
ALTER TABLE access.claims OWNER TO access_guard;
GRANT USAGE ON SCHEMA access TO credential_issuer, analyst, support, admin;
GRANT SELECT ON pg_catalog.pg_stat_activity TO access_guard;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_terminate_backend(integer, bigint), pg_catalog.pg_stat_get_activity(integer) TO access_guard;

-- session_user is who logged in: neither SET ROLE nor SECURITY DEFINER changes it. statement_timestamp() moves on
-- inside a transaction held open; now() would not.
CREATE FUNCTION access.live_claims() RETURNS access.claims
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT claims FROM access.claims AS claims
  JOIN pg_catalog.pg_authid AS login ON login.rolname = claims.role_name
  WHERE claims.role_name = session_user
    AND claims.expires_at > statement_timestamp()
    AND claims.verifier_digest = sha256(convert_to(login.rolpassword, 'UTF8'))
$$;

CREATE FUNCTION access.is_live() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT (access.live_claims()).role_name IS NOT NULL
$$;

CREATE FUNCTION access.own_rows_of() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT username FROM access.live_claims() WHERE 'analyst' = ANY (roles)
$$;

CREATE FUNCTION access.rows_of_region() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT region FROM access.live_claims() WHERE 'support' = ANY (roles)
$$;

CREATE FUNCTION access.all_rows() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT EXISTS (SELECT FROM access.live_claims() WHERE 'admin' = ANY (roles))
$$;

-- The issuer's first function: a login that ends by itself, with the group roles' rights but no way to become them.
CREATE FUNCTION access.issue(
  role_name text, verifier text, subject text, username text, roles text[], region text, lifetime interval
) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET createrole_self_grant = 'inherit' AS $$
DECLARE
  expires_at CONSTANT timestamptz := date_trunc('milliseconds', statement_timestamp() + lifetime);
  granted text;
BEGIN
  IF role_name !~ '^jit_[a-z0-9]{24,40}$' OR verifier !~ '^SCRAM-SHA-256\$\d+:[^$:]+\$[^$:]+:[^$:]+$'
     OR coalesce(cardinality(roles), 0) = 0 OR NOT roles <@ ARRAY['analyst', 'support', 'admin']
     OR lifetime NOT BETWEEN interval '1 second' AND interval '60 minutes' THEN
    RAISE EXCEPTION 'refused by access.issue' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF (SELECT count(*) FROM access.claims WHERE claims.subject = issue.subject) >= 100 THEN
    RAISE EXCEPTION 'too many live roles' USING ERRCODE = 'configuration_limit_exceeded';
  END IF;
  EXECUTE format('CREATE ROLE %I LOGIN INHERIT CONNECTION LIMIT 32 PASSWORD %L VALID UNTIL %L', role_name, verifier, expires_at);
  FOREACH granted IN ARRAY roles LOOP
    EXECUTE format('GRANT %I TO %I WITH INHERIT TRUE, SET FALSE, ADMIN FALSE', granted, role_name);
  END LOOP;
  INSERT INTO access.claims VALUES (role_name, subject, username, roles, region,
    sha256(convert_to(verifier, 'UTF8')), statement_timestamp(), expires_at);
  RETURN expires_at;
END
$$;

-- Its second: end what has expired or changed its own password. Answers how many roles went.
CREATE FUNCTION access.drop_ended() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  ended name;
  dropped integer := 0;
BEGIN
  FOR ended IN
    SELECT claims.role_name FROM access.claims
    JOIN pg_catalog.pg_authid AS login ON login.rolname = claims.role_name
    WHERE claims.expires_at <= statement_timestamp()
       OR claims.verifier_digest IS DISTINCT FROM sha256(convert_to(login.rolpassword, 'UTF8'))
  LOOP
    PERFORM pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = ended;
    BEGIN
      -- A role can leave default privileges behind, which would keep it from being dropped.
      EXECUTE format('DROP OWNED BY %I', ended);
      EXECUTE format('DROP ROLE %I', ended);
      DELETE FROM access.claims WHERE claims.role_name = ended;
      dropped := dropped + 1;
    EXCEPTION WHEN OTHERS THEN
      -- One that cannot be dropped does not keep the others.
      RAISE WARNING 'role % stays: %', ended, SQLERRM;
    END;
  END LOOP;
  RETURN dropped;
END
$$;

ALTER FUNCTION access.live_claims() OWNER TO access_guard;
ALTER FUNCTION access.is_live() OWNER TO access_guard;
ALTER FUNCTION access.own_rows_of() OWNER TO access_guard;
ALTER FUNCTION access.rows_of_region() OWNER TO access_guard;
ALTER FUNCTION access.all_rows() OWNER TO access_guard;
ALTER FUNCTION access.issue(text, text, text, text, text[], text, interval) OWNER TO access_guard;
ALTER FUNCTION access.drop_ended() OWNER TO access_guard;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA access FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql, sql TO access_guard;
GRANT EXECUTE ON FUNCTION access.issue(text, text, text, text, text[], text, interval), access.drop_ended() TO credential_issuer;
GRANT EXECUTE ON FUNCTION access.is_live(), access.own_rows_of(), access.rows_of_region(), access.all_rows() TO analyst, support, admin;

CREATE SCHEMA published;
COMMENT ON SCHEMA published IS 'Published sample data from the vega-datasets package';
CREATE TABLE published.flights (departed_at timestamp NOT NULL, delay_minutes integer NOT NULL, distance_miles integer NOT NULL, origin text NOT NULL, destination text NOT NULL);
COMMENT ON TABLE published.flights IS 'Flights inside the United States, January to March 2001';
CREATE TABLE published.movies (title text, us_gross_usd bigint, worldwide_gross_usd bigint, production_budget_usd bigint, released_on date, mpaa_rating text, running_time_minutes integer, distributor text, source text, major_genre text, director text, rotten_tomatoes_rating integer, imdb_rating numeric(3, 1), imdb_votes integer);
COMMENT ON TABLE published.movies IS 'Films with their budget, income and ratings';
CREATE TABLE published.weather (observed_on date PRIMARY KEY, precipitation_mm numeric NOT NULL, temperature_max_c numeric NOT NULL, temperature_min_c numeric NOT NULL, wind_m_per_s numeric NOT NULL, weather text NOT NULL);
COMMENT ON TABLE published.weather IS 'Daily weather in Seattle, 2012 to 2015';
CREATE TABLE published.stocks (symbol text NOT NULL, traded_on date NOT NULL, price_usd numeric NOT NULL, PRIMARY KEY (symbol, traded_on));
COMMENT ON TABLE published.stocks IS 'Monthly share prices of five companies, 2000 to 2010';

CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'A film shop: its customers and their orders, generated';
CREATE TABLE shop.people (
  person_id integer PRIMARY KEY,
  owner text NOT NULL,
  region text NOT NULL,
  segment text NOT NULL,
  customer_since date NOT NULL,
  full_name text NOT NULL,
  email text NOT NULL,
  phone text NOT NULL,
  birth_date date NOT NULL,
  card_last4 text NOT NULL
);
COMMENT ON TABLE shop.people IS 'Customers: an analyst sees name and email of their own, support no personal column, an administrator everything';
COMMENT ON COLUMN shop.people.owner IS 'Username of the member of staff who looks after this customer';
CREATE TABLE shop.orders (
  order_id integer PRIMARY KEY,
  owner text NOT NULL,
  region text NOT NULL,
  person_id integer NOT NULL REFERENCES shop.people,
  item text NOT NULL,
  category text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  amount_usd numeric(10, 2) NOT NULL CHECK (amount_usd > 0),
  status text NOT NULL,
  ordered_on date NOT NULL
);
COMMENT ON TABLE shop.orders IS 'Orders of films: an analyst sees their own, support those of their region, an administrator all';
COMMENT ON COLUMN shop.orders.owner IS 'Username of the member of staff who took the order';
-- No index on owner, region or any other column that a policy hides rows by: EXPLAIN ANALYZE counts what an index
-- finds before the policy removes it, so such an index would tell how many rows of others match a condition.

-- One rule a role; row-level security holds for the tables' owner too.
DO $$
DECLARE
  guarded regclass;
BEGIN
  FOREACH guarded IN ARRAY ARRAY['shop.people', 'shop.orders', 'published.flights', 'published.movies', 'published.weather', 'published.stocks']::regclass[] LOOP
    ASSERT guarded::oid >= 16384, 'row-level security would not hold';
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE CASE WHEN guarded::text LIKE 'shop.%'
      THEN format('CREATE POLICY own_region_or_all ON %s FOR SELECT USING (owner = (SELECT access.own_rows_of())
        OR region = (SELECT access.rows_of_region()) OR (SELECT access.all_rows()))', guarded)
      ELSE format('CREATE POLICY anyone_with_live_claims ON %s FOR SELECT USING ((SELECT access.is_live()))', guarded) END;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA shop, published TO analyst, support, admin;
GRANT SELECT ON ALL TABLES IN SCHEMA published TO analyst, support, admin;
GRANT SELECT ON shop.orders TO analyst, support, admin;
GRANT SELECT (person_id, owner, region, segment, customer_since) ON shop.people TO analyst, support;
GRANT SELECT (full_name, email) ON shop.people TO analyst;
GRANT SELECT ON shop.people TO admin;

