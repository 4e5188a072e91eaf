{# The tag `pii` followed through the lineage: each column of a mart that it reaches unmasked is a row. #}
select found.shown, found.comes_from
from (
    values
    {%- for column, origin in unmasked_in_marts() %}
    ('{{ column }}', '{{ origin }}'),
    {%- endfor %}
    (null, null)
) as found (shown, comes_from)
where found.shown is not null
