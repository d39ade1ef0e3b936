-- What the lab's tables hold: files of the vega-datasets package (their folder is in lab.data), and orders drawn from
-- a fixed seed, the same at every start. Addresses and numbers are of ranges reserved for examples; names are
-- characters of a novel (the package's miserables.json).

INSERT INTO published.flights
SELECT date::timestamp, delay, distance, origin, destination
FROM json_to_recordset(pg_read_file(current_setting('lab.data') || '/flights-20k.json')::json)
  AS flight(date text, delay integer, distance integer, origin text, destination text);

INSERT INTO published.movies
SELECT "Title", "US Gross", "Worldwide Gross", "Production Budget", "Release Date"::date, "MPAA Rating", "Running Time min",
  "Distributor", "Source", "Major Genre", "Director", "Rotten Tomatoes Rating", "IMDB Rating", "IMDB Votes"
FROM json_to_recordset(pg_read_file(current_setting('lab.data') || '/movies.json')::json)
  AS movie("Title" text, "US Gross" bigint, "Worldwide Gross" bigint, "Production Budget" bigint, "Release Date" text,
    "MPAA Rating" text, "Running Time min" integer, "Distributor" text, "Source" text, "Major Genre" text, "Director" text,
    "Rotten Tomatoes Rating" integer, "IMDB Rating" numeric, "IMDB Votes" integer);

DO $$
BEGIN
  EXECUTE format('COPY published.weather FROM %L (FORMAT csv, HEADER)', current_setting('lab.data') || '/seattle-weather.csv');
  EXECUTE format('COPY published.stocks FROM %L (FORMAT csv, HEADER)', current_setting('lab.data') || '/stocks.csv');
END
$$;

SELECT setseed(0.2026);

INSERT INTO shop.people
SELECT id,
  (ARRAY['alice', 'bob', 'carol'])[1 + floor(random() * 3)],
  (ARRAY['north', 'south', 'east', 'west'])[1 + floor(random() * 4)],
  (ARRAY['private', 'school', 'library', 'cinema'])[1 + floor(random() * 4)],
  date '2018-01-01' + floor(random() * 2500)::integer,
  characters.names[1 + id % cardinality(characters.names)],
  format('customer-%s@example.com', lpad(id::text, 4, '0')),
  format('+1-%s-555-01%s', 200 + floor(random() * 700)::integer, lpad(floor(random() * 100)::text, 2, '0')),
  date '1945-01-01' + floor(random() * 21000)::integer,
  lpad(floor(random() * 10000)::text, 4, '0')
FROM generate_series(1, 400) AS id,
  (SELECT array_agg(person ->> 'name') AS names
   FROM json_array_elements(pg_read_file(current_setting('lab.data') || '/miserables.json')::json -> 'nodes') AS person) AS characters;

WITH films AS (
  SELECT row_number() OVER (ORDER BY released_on, title, imdb_votes) AS place, title, major_genre
  FROM published.movies WHERE title IS NOT NULL AND major_genre IS NOT NULL
),
drawn AS MATERIALIZED (
  SELECT id, 1 + floor(random() * 400)::integer AS person_id, 1 + floor(random() * (SELECT count(*) FROM films))::integer AS place,
    1 + floor(random() * 5)::integer AS quantity, round((4 + random() * 36)::numeric, 2) AS price_usd,
    (ARRAY['paid', 'sent', 'delivered', 'delivered', 'delivered', 'returned'])[1 + floor(random() * 6)] AS status,
    date '2025-01-01' + floor(random() * 600)::integer AS ordered_on
  FROM generate_series(1, 6000) AS id
)
INSERT INTO shop.orders
SELECT id, owner, region, person_id, title, major_genre, quantity, quantity * price_usd, status, ordered_on
FROM drawn JOIN films USING (place) JOIN shop.people USING (person_id) ORDER BY id;

