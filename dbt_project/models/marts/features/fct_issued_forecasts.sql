{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['place_id', 'variable', 'origin_at'],
    pre_hook="{% if is_incremental() %}delete from {{ this }} where hour(origin_at) % 3 != 0{% endif %}",
    post_hook="{{ the_other_places() }}",
) }}
-- A later run adds the new origins, and builds those of a place again from the first one at which a forecast that came
-- since was available. An earlier run's own origin between two steps of the grid leaves: see the pre-hook.
-- A first build of many places takes them range by range: see issued_places.sql.
{% set built_seq = scalar('select coalesce(max(built_from_seq), 0) from ' ~ this) if is_incremental() else 0 %}
{% set next_at = scalar_timestamp(issued_next_at(this)) if is_incremental() else "null::timestamp" %}
{% set oldest_at = "timestamp '0001-01-01'" %}
{% if is_incremental() %}{% set oldest_at = scalar_timestamp(issued_oldest_at(next_at, built_seq)) %}{% endif %}

with hours as (
    select * from {{ ref('int_forecasts_issued') }} where target_at > {{ oldest_at }} {{ and_first_places() }}
),

starts as (
    select
        place_id,
        least(min(available_at) filter (where payload_seq > {{ built_seq }}), {{ next_at }}) as from_at
    from hours
    group by place_id
),

origins as (
    select
        place_id,
        unnest({{ origin_grid('from_at') }}) as origin_at
    from starts
    union
    select place_id, date_trunc('hour', {{ as_of() }}) from starts
),

{{ issued_arrays() }},

final as (
    select
        issued_arrays.*,
        greatest((select max(payload_seq) from hours), {{ built_seq }}) as built_from_seq
    from issued_arrays
    where list_count(issued) > 0
)

select * from final
