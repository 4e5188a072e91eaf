{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['series_id', 'origin_at'],
    pre_hook="{{ drop_rows_without(this, ref('dim_series'), ['series_id']) }}",
) }}
-- Origins every three hours. A later run adds the new origins and rebuilds those of a series from the first origin
-- at which a reading that arrived since could have been known; for a live reading that is the moment it was fetched.
{% set from_at = scalar_timestamp(origin_features_from()) if is_incremental() else "timestamp '1900-02-01'" %}

with starts as (
    {% if is_incremental() %}
    {{ origin_features_starts() }}
    {% else %}
    select series_id, min(observed_at) as from_at
    from {{ ref('fct_observations') }}
    group by series_id
    {% endif %}
),

origins as (
    select
        series_id,
        unnest({{ origin_grid('from_at') }}) as origin_at
    from starts
),

{{ origin_features(from_at) }},

final as (
    select
        origin_features.*,
        (select max(payload_seq) from {{ ref('fct_observations') }}) as built_from_seq
    from origin_features
)

select * from final
