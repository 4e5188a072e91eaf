{# Mean pinball (quantile) loss over the published quantiles: max(tau * (y - q), (tau - 1) * (y - q)), Koenker & Bassett 1978. #}
{% macro pinball_loss(actual, levels) %}
(
    {% for level in levels %}
        {% set q = 'q' ~ '%02d' % (level * 100) | round | int %}
        greatest({{ level }} * ({{ actual }} - {{ q }}), ({{ level }} - 1) * ({{ actual }} - {{ q }})){{ ' +' if not loop.last }}
    {% endfor %}
) / {{ levels | length }}
{% endmacro %}
