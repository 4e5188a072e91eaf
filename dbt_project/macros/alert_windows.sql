{# The event of an alert rule, said once: features, truth and scores use the same SQL. #}

{# The statistic of a rule over a window, a group or (of='list_') the values of a list; nulls are left out. #}
{% macro alert_statistic(statistic, value, over='', of='') -%}
    case {{ statistic }}
        when 'mean' then {{ of }}avg({{ value }}) {{ over }}
        when 'max' then {{ of }}max({{ value }}) {{ over }}
        when 'min' then {{ of }}min({{ value }}) {{ over }}
    end
{%- endmacro %}


{# Three quarters of a window's hours must be there, else nobody can say what happened in it. #}
{% macro alert_least_hours(window_h) -%}
    ceil(0.75 * {{ window_h }})
{%- endmacro %}


{# Null where the value is null. #}
{% macro alert_is_event(value) -%}
    case direction when 'above' then {{ value }} > threshold when 'below' then {{ value }} < threshold end
{%- endmacro %}
