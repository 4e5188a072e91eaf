{# What the staging of each source supplies. Files are not listed: they supply whatever their columns are mapped to. #}
{% macro supplied_variables() -%}
    {%- do return({
        'open_meteo': [
            'temperature_c', 'relative_humidity_pct', 'cloud_cover_pct', 'wind_speed_kmh',
            'pm2_5_ugm3', 'nitrogen_dioxide_ugm3',
        ],
        'data_gov_sg': ['pm2_5_ugm3'],
        'energy_charts': ['carbon_intensity_gco2eq_kwh', 'low_carbon_pct'],
    }) -%}
{%- endmacro %}


{% macro is_supplied(source, variable) -%}
    (
        {{ source }} not in ('{{ supplied_variables() | join("', '") }}')
        {%- for name, supplied in supplied_variables().items() %}
        or ({{ source }} = '{{ name }}' and {{ variable }} in ('{{ supplied | join("', '") }}'))
        {%- endfor %}
    )
{%- endmacro %}
