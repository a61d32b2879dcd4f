-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
CREATE OR REPLACE FUNCTION memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match}';
  most_tags constant integer := 1000;
  conditions text[] := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
  END IF;
  IF cardinality(query_tags) > most_tags THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_tags must have at most %s tags, got %s', most_tags, cardinality(query_tags));
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter must be a JSON object, got %s %s', jsonb_typeof(filter), left(filter::text, 60));
  END IF;
  IF filter - 'fuzzy' <> '{}' OR jsonb_typeof(filter -> 'fuzzy') <> 'boolean' THEN
    SELECT given.key INTO unknown
    FROM jsonb_object_keys(filter) AS given (key)
    WHERE given.key <> ALL (common || options)
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match}'::text[],
      '{string,string,boolean,string,string,object,array,boolean,boolean,boolean,number}'::text[]
    ) AS value (key, expected);
    IF (filter ->> 'min_match')::numeric NOT BETWEEN 0 AND 1 THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.min_match must be from 0 to 1, got %s', left(filter ->> 'min_match', 60));
    END IF;
    -- Strict, because a lax path would look into an array among the ids; silent, because a strict one wants the key.
    IF jsonb_path_exists(filter, 'strict $.ids[*] ? (@.type() != "string")', silent => true) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.ids must be an array of strings, got %s', left((filter -> 'ids')::text, 60));
    END IF;
  END IF;

  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    PERFORM check_filter_time(filter, 'since');
    conditions := conditions || 'm.created_at >= ($2 ->> ''since'')::timestamptz'::text;
  END IF;
  IF filter ? 'until' THEN
    PERFORM check_filter_time(filter, 'until');
    conditions := conditions || 'm.created_at < ($2 ->> ''until'')::timestamptz'::text;
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  RETURN array_to_string(conditions, ' AND ');
END
$$;
