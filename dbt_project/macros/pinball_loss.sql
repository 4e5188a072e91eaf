{# Mean pinball (quantile) loss over the published quantiles: max(tau * (y - q), (tau - 1) * (y - q)), Koenker & Bassett 1978. #}
{% macro pinball_loss(actual) %}
{% set levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95] %}
(
    {% for level in levels %}
        {% set q = 'q' ~ '%02d' % (level * 100) | round | int %}
        greatest({{ level }} * ({{ actual }} - {{ q }}), ({{ level }} - 1) * ({{ actual }} - {{ q }})){{ ' +' if not loop.last }}
    {% endfor %}
) / {{ levels | length }}
{% endmacro %}
