{# For models of one source: only bodies with a higher payload_seq than any the model holds. payload_seq rises by one with
   every body under the one-writer rule; a body that gives no row is read again until a newer one gives some. #}
{% macro and_newer_than_held() -%}
    {%- if is_incremental() -%}
        and payload_seq > {{ scalar('select coalesce(max(payload_seq), 0) from ' ~ this) }}
    {%- endif -%}
{%- endmacro %}


{# The same for models that read bodies, of which a first day brings gigabytes: DuckDB parses 2,048 of a table at a time,
   however long they are. What is newer is taken in ranges of payload_seq of so many bytes: the first by the model, the
   others, in its transaction, by the same query between other bounds. #}
{% macro and_newer_in_ranges() -%}
    {{- config(post_hook='{{ the_other_ranges() }}') -}}
    {%- set held = scalar('select coalesce(max(payload_seq), 0) from ' ~ this) if is_incremental() else 0 -%}
    {%- set ends = range_ends(held) -%}
    {%- if ends | length > 1 -%}
        {{ and_between(held, ends[0]) }}
    {%- elif held -%}
        and payload_seq > {{ held }}
    {%- endif -%}
{%- endmacro %}


{% macro the_other_ranges() -%}
    {%- set sql = model.compiled_code if execute else '' -%}
    {%- set first = modules.re.search('and payload_seq > ([0-9]+) and payload_seq <= ([0-9]+)', sql) -%}
    {%- if first -%}
        {%- set ends = range_ends(first.group(1) | int) -%}
        {%- for end in ends[1:] -%}
            {%- do insert_again(first.group(0), and_between(ends[loop.index0], end)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{# What the model selects, once more into its table, with other bounds in the place of these. #}
{% macro insert_again(bounds, others) -%}
    {%- do run_query('insert into ' ~ this ~ ' by name ' ~ model.compiled_code.replace(bounds, others)) -%}
{%- endmacro %}


{% macro and_between(after, end) -%}
    and payload_seq > {{ after }} and payload_seq <= {{ end }}
{%- endmacro %}


{# The last payload_seq of each range of the bodies after this one. #}
{% macro range_ends(held) -%}
    {%- set bytes_at_once = 134217728 -%}
    {%- if not execute -%}{%- do return([]) -%}{%- endif -%}
    {%- do return(run_query(
        'select max(payload_seq) from (select payload_seq, sum(n_bytes) over (order by payload_seq) // '
        ~ bytes_at_once ~ ' as place from raw.payloads where payload_seq > ' ~ held ~ ') group by place order by 1'
    ).columns[0].values()) -%}
{%- endmacro %}


{% macro scalar(query) -%}
    {%- if execute -%}
        {%- do return(run_query(query).columns[0].values()[0]) -%}
    {%- else -%}
        {%- do return(0) -%}
    {%- endif -%}
{%- endmacro %}


{# The same as a literal of SQL. What stands in the query as a literal lets the engine leave the rest of a table unread. #}
{% macro scalar_timestamp(query) -%}
    timestamp '{{ scalar(query) }}'
{%- endmacro %}
