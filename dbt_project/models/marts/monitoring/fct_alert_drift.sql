{{ config(materialized='table') }}
-- Risk-adjusted CUSUM (Steiner et al. 2000): each outcome adds the logarithm of how much likelier it is if the odds of
-- the event are three times, or a third of, those told. The series of a rule share their weather: their mean counts.
{% set odds_ratio, limit, recent = 3.0, 7.0, 7 %}

with told as (
    select rule_id, series_id, origin_at, probability, is_event::integer as is_event
    from {{ ref('fct_alert_scores') }}
    qualify
        run_id = first_value(run_id) over (
            partition by rule_id, series_id, origin_at::date order by origin_at, created_at, run_id
        )
),

days as (
    select
        rule_id,
        origin_at::date as origin_day,
        count(*)::integer as n_series,
        avg(probability) as probability,
        avg(is_event) as frequency,
        avg(is_event * ln({{ odds_ratio }}) - ln(1 + ({{ odds_ratio }} - 1) * probability)) as more,
        avg(-is_event * ln({{ odds_ratio }}) - ln(1 + (1 / {{ odds_ratio }} - 1) * probability)) as fewer
    from told
    group by all
),

summed as (
    select
        *,
        sum(more) over so_far as total_more,
        sum(fewer) over so_far as total_fewer,
        sum(more) over newest as recent_more,
        sum(fewer) over newest as recent_fewer
    from days
    window
        so_far as (partition by rule_id order by origin_day),
        newest as (partition by rule_id order by origin_day rows between {{ recent - 1 }} preceding and current row)
),

-- max(0, s + x) from day to day is the sum so far less its lowest value, where that is below zero
final as (
    select
        rule_id, origin_day, n_series, probability, frequency,
        total_more - least(0, min(total_more) over so_far) as cusum_more,
        total_fewer - least(0, min(total_fewer) over so_far) as cusum_fewer,
        case
            when cusum_more > {{ limit }} and recent_more > 0 then 'more often'
            when cusum_fewer > {{ limit }} and recent_fewer > 0 then 'less often'
        end as comes,
        comes is not null as is_drift
    from summed
    window so_far as (partition by rule_id order by origin_day)
)

select * from final
