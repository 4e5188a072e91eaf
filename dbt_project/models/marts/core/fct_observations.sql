{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['series_id', 'observed_at']) }}

{%- set spans = spans_to_build(this) -%}
{%- set oldest_hour = oldest_hour_of(spans) %}

with

spans as (
    {{ spans_as_rows(spans) }}
),

known as (

    select
        hours.*, spans.since, spans.is_begun, spans.stuck_after_hours,
        to_hours(greatest(spans.stuck_after_hours - 1, 0)) as trail
    from {{ ref('int_hours_standing') }} as hours
    inner join spans on hours.series_id = spans.series_id
    where
        hours.observed_at >= {{ oldest_hour }}
        and hours.observed_at >= spans.since - to_hours(spans.stuck_after_hours)

),

refused as (

    select series_id, observed_at, max(payload_seq) as payload_seq from {{ ref('int_readings_judged') }}
    where reason is not null and observed_at >= {{ oldest_hour }}
    group by series_id, observed_at

),

-- flat: no other value in the trailing hours, of which the first and at least three quarters are there
flat as (

    select series_id, observed_at from known where stuck_after_hours > 0
    window
        trailing_hours as (partition by series_id order by observed_at range between trail preceding and current row)
    qualify
        min(value) over trailing_hours = max(value) over trailing_hours
        and min(observed_at) over trailing_hours = observed_at - trail
        and count(*) over trailing_hours >= 0.75 * stuck_after_hours

),

extents as (

    select series_id, case when is_begun then since else min(observed_at) end as from_at, max(observed_at) as to_at
    from known
    group by series_id, since, is_begun

),

-- only days that lack an hour are laid on the grid
days as (

    select series_id, unnest(generate_series(date_trunc('day', from_at), to_at, interval 1 day)) as day_at from extents

),

full_days as (

    select series_id, date_trunc('day', observed_at) as day_at from known
    group by all having count(*) = 24

),

grid as (

    select days.series_id, days.day_at + to_hours(unnest(range(24))) as observed_at
    from days
    anti join full_days on days.series_id = full_days.series_id and days.day_at = full_days.day_at

),

gaps as (

    select grid.series_id, grid.observed_at
    from grid
    inner join extents on grid.series_id = extents.series_id
    anti join known on grid.series_id = known.series_id and grid.observed_at = known.observed_at
    where grid.observed_at between extents.from_at and extents.to_at

),

final as (

    select
        known.series_id, known.observed_at, known.value,
        case when flat.series_id is null then 'ok' else 'stuck' end as quality,
        known.first_value, known.first_known_at, known.last_revised_at, known.n_versions, known.payload_seq
    from known
    left join flat on known.series_id = flat.series_id and known.observed_at = flat.observed_at
    where known.observed_at >= known.since
    union all
    select
        gaps.series_id, gaps.observed_at, null,
        case when refused.series_id is null then 'missing' else 'quarantined' end,
        null, null, null, 0, refused.payload_seq
    from gaps
    left join refused on gaps.series_id = refused.series_id and gaps.observed_at = refused.observed_at

)

select * from final
