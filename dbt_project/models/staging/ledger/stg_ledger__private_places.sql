select
    ---------- ids
    place_id,
    shown_id,

    ---------- what must not be read
    pattern
from {{ source('raw', 'private_places') }}
