{# A body names its units once, so that a conversion is one number per body. A unit that is not listed here gives null, never
   a guess: the loader rejects such a body by name. Celsius is (value - zero) / degree; km/h is value * factor. #}
{% macro celsius_zero(unit) -%}
    case coalesce({{ unit }}, '°C') when '°C' then 0.0 when '°F' then 32.0 end
{%- endmacro %}


{% macro celsius_degree(unit) -%}
    case coalesce({{ unit }}, '°C') when '°C' then 1.0 when '°F' then 1.8 end
{%- endmacro %}


{% macro kmh_factor(unit) -%}
    case coalesce({{ unit }}, 'km/h')
        when 'km/h' then 1.0 when 'm/s' then 3.6 when 'mp/h' then 1.609344 when 'mph' then 1.609344
        when 'kn' then 1.852 when 'kt' then 1.852
    end
{%- endmacro %}
