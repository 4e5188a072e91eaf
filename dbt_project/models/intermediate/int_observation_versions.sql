select
    series_id,
    observed_at,
    version_no,
    value,
    known_at,
    payload_seq,
    priority
from {{ ref('int_readings_judged') }}
where is_version
