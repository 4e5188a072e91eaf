{# The oldest origin of a run that the relation does not hold yet; without such a run, the clock: nothing is written. #}
{% macro unpaired_since(relation) -%}
    select coalesce(min(origin_at), {{ as_of() }} + interval 1 day) from {{ ref('fct_forecasts') }}
    where run_id not in (select distinct run_id from {{ relation }})
{%- endmacro %}
