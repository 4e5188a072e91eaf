{# Tests of big marts say `where: "observed_at >= __recent__"`: the rows the newest bodies can have touched, at least 45 days.
   The first load and --full-refresh test every row; after that a test costs the same however long the history is. #}
{% macro duckdb__get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- if execute and '__recent__' in where -%}
        {%- set where = where | replace('__recent__', recent_since()) -%}
    {%- endif -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as dbt_subquery') -%}
{%- endmacro %}


{% macro recent_since() -%}
    {%- if flags.FULL_REFRESH -%}
        {%- do return("timestamp '0001-01-01'") -%}
    {%- endif -%}
    {%- set payloads = api.Relation.create(database=target.database, schema='raw', identifier='payloads') -%}
    {%- set query -%}
        with batches as (
            select
                window_start,
                fetched_at,
                max(fetched_at) over () as last_fetched_at,
                min(fetched_at) over () as first_fetched_at
            from {{ payloads }}
            where status = 'ok'
        )
        select
            case
                when min(first_fetched_at) < min(last_fetched_at)
                    then least(min(window_start), min(last_fetched_at) - interval 45 day) - interval 2 day
                else timestamp '0001-01-01'
            end as since
        from batches
        where fetched_at = last_fetched_at
    {%- endset -%}
    {%- do return("timestamp '" ~ run_query(query).columns[0].values()[0] ~ "'") -%}
{%- endmacro %}
