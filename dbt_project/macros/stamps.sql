{# A local stamp (ISO 8601) less the offset its own body states; unix seconds are UTC whatever the offset. The tz database is
   never asked: a body keeps one offset over a daylight saving change. #}
{% macro utc_from_offset(stamp, offset_seconds) -%}
    coalesce(
        try_cast({{ stamp }} as timestamp) - to_seconds(coalesce({{ offset_seconds }}, 0)),
        make_timestamp(try_cast({{ stamp }} as bigint) * 1000000)
    )
{%- endmacro %}


{# A stamp that may carry its own offset (Z, +08, +0530, -03:30); one that carries none has that of its body. #}
{% macro utc_from_text(stamp, offset_seconds) -%}
    {%- set zoned = '([T ][0-9:.]+) ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)$' -%}
    {%- set zone = "regexp_extract(" ~ stamp ~ ", '" ~ zoned ~ "', 2)" -%}
    {%- set minutes = "try_cast(right(" ~ zone ~ ", 2) as integer)" -%}
    try_cast(regexp_replace({{ stamp }}, '{{ zoned }}', '\1') as timestamp) - to_seconds(
        case
            when {{ zone }} = '' then coalesce({{ offset_seconds }}, 0)
            when {{ zone }} = 'Z' then 0
            else try_cast(left({{ zone }}, 3) as integer) * 3600
                + case when length({{ zone }}) > 3 then {{ minutes }} else 0 end
                * case when left({{ zone }}, 1) = '-' then -60 else 60 end
        end
    )
{%- endmacro %}


{# A stamp between two full hours counts for the next one, so that nothing is ever known before it was observed. #}
{% macro full_hour(stamp) -%}
    date_trunc('hour', {{ stamp }})
    + case when {{ stamp }} > date_trunc('hour', {{ stamp }}) then interval 1 hour else interval 0 hour end
{%- endmacro %}
