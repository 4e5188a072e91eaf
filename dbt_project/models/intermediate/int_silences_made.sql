-- A silence and its end, from their two events.
{{ interventions_made(
    source('ml', 'silence_events'), 'silence', ['rule_id', 'series_id', 'window_from', 'window_to']
) }}
