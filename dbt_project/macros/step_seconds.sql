{# The smallest distance between two stamps of one body: 900 or 3600 as sent; a body of one stamp counts as hourly.
   A body with an hour missing still shows its step elsewhere, a change of step inside a body shows the finer one. #}
{% macro step_seconds(unix_seconds) -%}
    coalesce(
        list_min(list_filter(
            list_transform(
                list_zip(list_sort({{ unix_seconds }}), list_sort({{ unix_seconds }})[2:]),
                lambda pair: pair[2] - pair[1]
            ),
            lambda gap: gap > 0
        )),
        3600
    )
{%- endmacro %}
