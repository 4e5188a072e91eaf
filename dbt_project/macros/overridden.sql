{# A point or quantile as an override leaves it: `set` and `add` move the whole distribution (`set` to where the point is
   the value), `factor` scales it; none leaves the plausible range, as no forecast does. Asks for the columns override_id,
   method, override_value, point, plausible_min and plausible_max; without an override the forecast's own value. #}
{% macro overridden(column) -%}
case
            when override_id is null then {{ column }}
            else least(plausible_max, greatest(plausible_min, case method
                when 'set' then override_value + ({{ column }} - point)
                when 'add' then {{ column }} + override_value
                when 'factor' then {{ column }} * override_value
            end))
        end
{%- endmacro %}
