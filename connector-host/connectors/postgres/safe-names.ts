/**
 * Functions and types that a statement may name: they compute from their arguments and read nothing else. Absent on
 * purpose: what reads or sets configuration, files, catalogs, sessions, locks, sequences or large objects, what runs
 * a text as SQL (query_to_xml, ts_stat, ts_rewrite, dblink), what waits, and `repeat` (a gigabyte in one value).
 */
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

export const safeFunctions: ReadonlySet<string> = new Set([
  // Aggregates and window functions
  ...words(`array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg
    json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg
    sum var_pop var_samp variance any_value cume_dist dense_rank first_value lag last_value lead nth_value ntile
    percent_rank rank row_number`),
  // Numbers
  ...words(`abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees div erf exp factorial floor gcd lcm ln log log10
    min_scale mod pi power radians random round scale sign sin sqrt tan trim_scale trunc width_bucket`),
  // Text
  ...words(`ascii bit_length btrim casefold char_length character_length chr concat concat_ws format initcap left length
    like_escape lower lpad ltrim md5 normalize is_normalized octet_length overlay position quote_ident quote_literal
    quote_nullable regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regexp_substr replace reverse right rpad rtrim similar_to_escape split_part starts_with
    string_to_array string_to_table strpos substr substring textcat to_ascii to_char to_hex translate trim upper encode
    decode sha224 sha256 sha384 sha512 unistr`),
  // Dates and times
  ...words(`age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days
    justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps
    statement_timestamp timezone to_date to_number to_timestamp transaction_timestamp timeofday`),
  // Arrays, ranges, sets
  ...words(`array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_reverse array_sort array_to_string array_upper cardinality
    generate_series generate_subscripts isempty lower_inc lower_inf num_nonnulls num_nulls range_merge trim_array unnest
    upper_inc upper_inf`),
  // JSON
  ...words(`array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys
    json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text
    jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
    jsonb_extract_path_text jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_to_record
    jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb`),
  // Full-text search
  ...words(`numnode phraseto_tsquery plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_headline ts_rank
    ts_rank_cd tsvector_to_array websearch_to_tsquery`),
  // Other values
  ...words('gen_random_uuid uuidv4 uuidv7 host netmask network masklen family broadcast text'),
]);

/**
 * Of those that are not safe, the ones that act, wait or read beyond the rows: they are refused for what they do, not
 * for being unknown. Only tells which of two sentences a caller gets; what may run is decided by `safeFunctions` alone.
 */
export function actsOrReadsOutside(name: string): boolean {
  return outsideNames.has(name) || outsideFamilies.test(name);
}

const outsideFamilies =
  /^(pg_|lo_|dblink|has_|inet_(client|server)_|txid_|binary_upgrade_|current_|(query|table|schema|database|cursor)_to_xml|brin_|gin_|ts_(stat|rewrite|debug|parse|token_type|lexize)$|row_security_)/;
const outsideNames: ReadonlySet<string> = new Set(
  words(`set_config loread lowrite nextval setval currval lastval version to_regclass to_regproc to_regprocedure
    to_regrole to_regtype to_regnamespace to_regoper to_regoperator to_regcollation col_description obj_description
    shobj_description format_type getdatabaseencoding icu_unicode_version acldefault aclexplode makeaclitem
    setseed query_to_xmlschema session_user user system_user getpgusername`),
);

/** Columns that every table has; they tell of other people's transactions and of where a row lies. */
export const systemColumns: ReadonlySet<string> = new Set(words('tableoid ctid xmin xmax cmin cmax'));

export const safeTypes: ReadonlySet<string> = new Set(
  words(`bool boolean int int2 int4 int8 integer smallint bigint float4 float8 real numeric decimal text varchar bpchar
    char date time timetz timestamp timestamptz interval uuid json jsonb jsonpath bytea bit varbit inet cidr macaddr
    int4range int8range numrange daterange tsrange tstzrange tsvector tsquery money`),
);

export const samplingMethods: ReadonlySet<string> = new Set(['bernoulli', 'system']);

/** The values of SQLValueFunction that say nothing about the session's user. */
export const safeValueFunctions: ReadonlySet<string> = new Set(
  ['DATE', 'TIME', 'TIME_N', 'TIMESTAMP', 'TIMESTAMP_N']
    .map((name) => `SVFOP_CURRENT_${name}`)
    .concat(['SVFOP_LOCALTIME', 'SVFOP_LOCALTIME_N', 'SVFOP_LOCALTIMESTAMP', 'SVFOP_LOCALTIMESTAMP_N']),
);
