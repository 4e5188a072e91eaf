select
    ---------- ids
    run_id,
    source,
    endpoint,
    subject,

    ---------- times
    window_start,
    window_end,
    attempted_at,
    last_observed_at,

    ---------- measures
    n_expected,
    n_present,
    weight,

    ---------- flags
    status,
    reason
from {{ source('raw', 'loads') }}
