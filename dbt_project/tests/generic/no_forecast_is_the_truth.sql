{# Fails with each variable and age of forecasts of which more than a share `most` equal what was observed later.
   Weather cannot be known to the last digit: these are observations handed over as forecasts. Hours at an end of the
   range (overcast, no wind) do not count, nor do ages with fewer than 100 hours to compare. #}
{% test no_forecast_is_the_truth(model, observations, series, most) %}

with issued as (

    select
        place_id,
        variable,
        unnest(issued::float[]) as issued,
        unnest(lead::float[]) as lead_h,
        origin_at + to_hours(unnest(range(1, 49))) as target_at
    from {{ model }}

),

observed as (

    select series.place_id, series.variable, truths.observed_at, truths.value
    from {{ observations }} as truths
    inner join {{ series }} as series on truths.series_id = series.series_id
    where truths.quality = 'ok' and truths.observed_at > (select min(target_at) from issued)

),

ends as (select variable, min(value) as lowest, max(value) as highest from observed group by variable)

select
    issued.variable,
    ceil(issued.lead_h / 24) as days_ahead,
    count(*) as n_hours,
    avg((abs(issued.issued - observed.value) < 0.01)::integer) as share_equal
from issued
inner join observed
    on
        issued.place_id = observed.place_id
        and issued.variable = observed.variable
        and issued.target_at = observed.observed_at
inner join ends on issued.variable = ends.variable and observed.value > ends.lowest and observed.value < ends.highest
where issued.issued is not null
group by issued.variable, days_ahead
having n_hours >= 100 and share_equal > {{ most }}

{% endtest %}
