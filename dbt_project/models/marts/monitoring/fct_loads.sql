with

attempts as (

    select
        *,
        row_number() over (
            partition by source, endpoint, subject, window_start, window_end order by attempted_at desc, run_id desc
        ) as nth_newest
    from {{ ref('stg_ledger__loads') }}

),

lags as (select source, endpoint, known_lag_hours from {{ ref('sources') }}),

answered as (select * from attempts where status in ('ok', 'empty')),

-- a window is open while its newest attempt failed and no later answer covers it
open_windows as (

    select attempts.*
    from attempts
    anti join answered
        on
            attempts.source = answered.source
            and attempts.endpoint = answered.endpoint
            and attempts.subject = answered.subject
            and attempts.window_start >= answered.window_start
            and attempts.window_end <= answered.window_end
            and attempts.attempted_at <= answered.attempted_at
    where attempts.nth_newest = 1 and attempts.status in ('failed', 'rejected')

),

gaps as (

    select
        source, endpoint, subject,
        count(*) as n_open_windows,
        min(window_start) as open_since,
        max_by(reason, (attempted_at, window_start)) as failing_reason
    from open_windows
    group by source, endpoint, subject

),

subjects as (

    select
        source, endpoint, subject,
        max(attempted_at) as last_attempt_at,
        max(attempted_at) filter (where status = 'ok') as last_ok_at,
        max(last_observed_at) filter (where status = 'ok') as last_observed_at,
        count(*) as n_attempts,
        count(*) filter (where status = 'failed') as n_failed,
        count(*) filter (where status = 'rejected') as n_rejected
    from attempts
    group by source, endpoint, subject

),

final as (

    select
        ---------- ids
        subjects.source,
        subjects.endpoint,
        {{ masked('subjects.subject') }} as subject,

        ---------- times
        subjects.last_attempt_at,
        subjects.last_ok_at,
        subjects.last_observed_at,
        gaps.open_since,

        ---------- measures
        -- greatest() passes over a null: on time is not what a source is that never sent a value
        case
            when subjects.last_observed_at is not null then greatest(
                    date_diff('hour', subjects.last_observed_at, {{ as_of() }}) - coalesce(lags.known_lag_hours, 0), 0
                )
        end as n_hours_late,
        subjects.n_attempts,
        subjects.n_failed,
        subjects.n_rejected,
        coalesce(gaps.n_open_windows, 0) as n_open_windows,
        {{ masked('gaps.failing_reason') }} as failing_reason
    from subjects
    left join gaps
        on
            subjects.source = gaps.source
            and subjects.endpoint = gaps.endpoint
            and subjects.subject = gaps.subject
    left join lags on subjects.source = lags.source and subjects.endpoint = lags.endpoint

)

select * from final
