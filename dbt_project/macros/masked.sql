{# A text with the names, subjects and exact coordinates of private places replaced by their pseudonyms. Twice each: of two
   in a row the first takes the character between them. #}
{% macro masked(text) -%}
    list_reduce(
        list_prepend({{ text }}, (
            select coalesce(list(pattern || chr(31) || shown_id order by place_id), [])
            from {{ ref('stg_ledger__private_places') }}
        )),
        lambda said, place: regexp_replace(
            regexp_replace(said, split_part(place, chr(31), 1), '\1' || split_part(place, chr(31), 2) || '\2', 'g'),
            split_part(place, chr(31), 1), '\1' || split_part(place, chr(31), 2) || '\2', 'g'
        )
    )
{%- endmacro %}
