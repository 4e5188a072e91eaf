{# Whether this target's compute is MotherDuck's: dev is a file. #}
{% macro on_motherduck() -%}
    {%- do return(target.name != 'dev') -%}
{%- endmacro %}
