{# A body names its units. One that is not listed here gives null, never a guess: the loader rejects such a body by name. #}
{% macro to_celsius(value, unit) -%}
    case
        when {{ unit }} = '°C' or {{ unit }} is null then {{ value }}
        when {{ unit }} = '°F' then round(({{ value }} - 32) / 1.8, 2)
    end
{%- endmacro %}


{% macro to_kmh(value, unit) -%}
    case
        when {{ unit }} = 'km/h' or {{ unit }} is null then {{ value }}
        when {{ unit }} = 'm/s' then round({{ value }} * 3.6, 2)
        when {{ unit }} in ('mp/h', 'mph') then round({{ value }} * 1.609344, 2)
        when {{ unit }} in ('kn', 'kt') then round({{ value }} * 1.852, 2)
    end
{%- endmacro %}
