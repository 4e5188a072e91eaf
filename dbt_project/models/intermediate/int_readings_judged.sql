{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with

readings as materialized (

    select
        series_id, observed_at, value, payload_seq, priority, fetched_at, reason,
        null::integer as held_version_no,
        case when mode = 'backfill' then least(observed_at + known_lag, fetched_at) else fetched_at end
            as first_known_at
    from ({{ new_readings(ref('int_readings_unioned'), this) }}) as arrived

),

candidates as (

    select * from readings where reason is null
    {% if is_incremental() %}
    union all
    -- where the hour stood before this batch: its value, and the highest priority that has spoken
    select
        series_id, observed_at, max_by(value, payload_seq), max(payload_seq), max(priority), null, null,
        max(version_no), null
    from {{ this }} semi join readings using (series_id, observed_at)
    where reason is null
    group by series_id, observed_at
    {% endif %}

),

-- most hours are spoken of once: only the others need windows (a collision sends an hour there needlessly, no more)
contested_keys as (

    select hash(series_id, observed_at) as contested_key from candidates group by all having count(*) > 1

),

bodies as (

    select
        series_id, observed_at, payload_seq,
        min(value) as value, min(value) <> max(value) as is_conflict, min(held_version_no) as held_version_no,
        min(priority) as priority, min(fetched_at) as fetched_at, min(first_known_at) as first_known_at
    from candidates semi join contested_keys on hash(series_id, observed_at) = contested_key
    group by series_id, observed_at, payload_seq

),

compared as (

    select
        *,
        max(held_version_no) over before as base_version_no,
        max(priority) over before as standing_priority,
        max_by(value, (priority, payload_seq)) over before as standing_value,
        standing_priority is null as is_first,
        coalesce(priority >= standing_priority and value <> standing_value, false) as is_change,
        coalesce(priority > standing_priority and value = standing_value, false) as is_confirmation
    from bodies
    where not is_conflict
    window
        before as (
            partition by series_id, observed_at order by payload_seq rows between unbounded preceding and 1 preceding
        )

),

rejected as (

    select series_id, observed_at, value, payload_seq, priority, fetched_at, reason
    from readings where reason is not null
    union all
    select
        series_id, observed_at, readings.value, payload_seq, readings.priority, readings.fetched_at,
        'conflicting values for one hour in one body'
    from readings
    inner join bodies using (series_id, observed_at, payload_seq)
    where bodies.is_conflict and readings.reason is null

),

final as (

    select
        series_id, observed_at, value, payload_seq, priority,
        first_known_at as known_at, 1 as version_no, true as is_version, null::varchar as reason
    from candidates anti join contested_keys on hash(series_id, observed_at) = contested_key
    where held_version_no is null
    union all
    select
        series_id, observed_at, value, payload_seq, priority,
        case when is_first then first_known_at else fetched_at end,
        (coalesce(base_version_no, 1) + sum(is_change::integer) over (
            partition by series_id, observed_at order by payload_seq
        ))::integer,
        is_first or is_change, null
    from compared
    qualify held_version_no is null and (is_first or is_change or is_confirmation)
    union all
    select distinct series_id, observed_at, value, payload_seq, priority, fetched_at, null::integer, false, reason
    from rejected

)

select * from final
{% if not is_incremental() %}order by observed_at{% endif %}  -- later runs then skip the history by its hours
