-- An override and its end, from their two events.
{{ interventions_made(
    source('ml', 'override_events'), 'override', ['dataset', 'series_id', 'target_from', 'target_to', 'method', 'value']
) }}
