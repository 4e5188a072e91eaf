{#
    A first build of fct_issued_forecasts in ranges of places, of so many hours each: the arrays of thousands of places
    at once take more memory than there is. The first range is the model's, the others come by the same query after it.
#}
{% macro and_first_places() -%}
    {%- set ends = [] if is_incremental() else place_ends() -%}
    {%- if ends | length > 1 -%}{{ and_places('', ends[0]) }}{%- endif -%}
{%- endmacro %}


{% macro the_other_places() -%}
    {%- set sql = model.compiled_code if execute else '' -%}
    {%- set first = modules.re.search("and place_id > '' and place_id <= '[^']*'", sql) -%}
    {%- if first -%}
        {%- set ends = place_ends() -%}
        {%- for end in ends[1:] -%}
            {%- do insert_again(first.group(0), and_places(ends[loop.index0], end)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{% macro and_places(after, end) -%}
    and place_id > '{{ after }}' and place_id <= '{{ end }}'
{%- endmacro %}


{# The last place of each range. #}
{% macro place_ends() -%}
    {%- set hours_at_once = 12000000 -%}
    {%- if not execute -%}{%- do return([]) -%}{%- endif -%}
    {%- set counted = 'select place_id, count(*) as n from ' ~ ref('int_forecasts_issued') ~ ' group by place_id' -%}
    {%- do return(run_query(
        'select max(place_id) from (select place_id, sum(n) over (order by place_id) // ' ~ hours_at_once
        ~ ' as place from (' ~ counted ~ ')) group by place order by 1'
    ).columns[0].values()) -%}
{%- endmacro %}
