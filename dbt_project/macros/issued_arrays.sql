{#
    Weather forecasts as arrays of 48 hours after an origin, each hour from the newest forecast available at the origin.

    Expects a cte `hours` (rows of int_forecasts_issued) and a cte `origins (place_id, origin_at)` before it and leaves
    `issued_arrays (place_id, variable, origin_at, issued, lead)` behind; lead is in hours from availability to target.
#}
{% macro issued_arrays() %}
{{ issued_past_runs() }},

{{ issued_bodies() }},

issued_arrays as (
    select
        place_id,
        variable,
        origin_at,
        case
            when newest_bodies.issued is null then past_runs.issued
            when past_runs.issued is null then newest_bodies.issued
            else list_transform(past_runs.issued, lambda x, i: case
                when newest_bodies.lead[i] <= coalesce(past_runs.lead[i], newest_bodies.lead[i])
                    then newest_bodies.issued[i]
                else x
            end)
        end::float[48] as issued,
        case
            when newest_bodies.lead is null then past_runs.lead
            when past_runs.lead is null then newest_bodies.lead
            else list_transform(past_runs.lead, lambda x, i: least(x, newest_bodies.lead[i]))
        end::float[48] as lead,
    from past_runs
    full join newest_bodies using (place_id, variable, origin_at)
)
{% endmacro %}
