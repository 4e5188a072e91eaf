{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['rule_id', 'series_id', 'origin_at'],
    pre_hook=[
        "{{ drop_rows_without(this, ref('dim_alert_rules'), ['rule_id', 'event_hash']) }}",
        "{{ drop_rows_without(this, ref('dim_series'), ['series_id']) }}",
    ],
) }}
-- Origins every six hours whose window has ended. A later run adds the new ones, and rebuilds those of a series from
-- the first window that holds an hour which arrived or changed since. A rule of another name or event starts anew.
with rules as (
    select * from {{ ref('dim_alert_rules') }}
),

starts as (
    select
        rules.*,
        rules.window_h - 1 as hours_after,
        series.series_id,
        {% if is_incremental() %}
        coalesce(least(
            built.last_window_start + interval 6 hour, changed.first_hour - to_hours(rules.window_h - 1)
        ), series.first_observed_at) as from_at
        {% else %}
        series.first_observed_at as from_at
        {% endif %}
    from rules
    inner join {{ ref('dim_series') }} as series
        on rules.dataset = series.dataset and rules.variable = series.variable
    {% if is_incremental() %}
    left join (
        select rule_id, event_hash, series_id, max(window_start) as last_window_start from {{ this }} group by all
    ) as built
        on
            rules.rule_id = built.rule_id
            and rules.event_hash = built.event_hash
            and series.series_id = built.series_id
    left join (
        select series_id, min(observed_at) as first_hour
        from {{ ref('fct_observations') }}
        where payload_seq > (select coalesce(max(built_from_seq), 0) from {{ this }})
        group by series_id
    ) as changed
        on series.series_id = changed.series_id and built.series_id is not null
    {% endif %}
    where series.first_observed_at is not null
),

-- observations lie on an hourly grid without holes: rows ahead are hours ahead
windows as (
    select
        starts.rule_id,
        starts.event_hash,
        starts.series_id,
        hours.observed_at - to_hours(starts.lead_h) as origin_at,
        hours.observed_at as window_start,
        hours.observed_at + to_hours(starts.window_h) as window_end,
        starts.window_h, starts.direction,
        starts.threshold,
        {{ alert_statistic('starts.statistic', "if(hours.quality = 'ok', hours.value, null)", 'over hours_ahead') }}
            as actual,
        count(*) filter (where hours.quality = 'ok') over hours_ahead as n_hours,
        max(greatest(hours.first_known_at, hours.last_revised_at)) over hours_ahead as last_known_at
    from starts
    inner join {{ ref('fct_observations') }} as hours
        on starts.series_id = hours.series_id and starts.from_at <= hours.observed_at
    window hours_ahead as (
        partition by starts.rule_id, starts.series_id
        order by hours.observed_at rows between current row and hours_after following
    )
),

final as (
    select
        rule_id, event_hash, series_id, origin_at, window_start, window_end,
        n_hours::integer as n_hours,
        case when n_hours >= {{ alert_least_hours('window_h') }} then actual end as actual,
        {{ alert_is_event('case when n_hours >= ' ~ alert_least_hours('window_h') ~ ' then actual end') }} as is_event,
        greatest(last_known_at, window_end) as label_known_at,
        (select max(payload_seq) from {{ ref('fct_observations') }}) as built_from_seq
    from windows
    where hour(origin_at) % 6 = 0 and window_end <= {{ as_of() }}
)

select * from final
