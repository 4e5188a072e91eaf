{# Where the tag `pii` reaches, column by column: unique_id -> {column: seed or source column it comes from}.

   A column of a node comes from a tagged one of its parents if it bears its name, or if an expression that names it is given
   that alias, however many times over. Names decide, so a new column may be suspected wrongly and none is missed that is
   selected by name. It ends where a column says how it is masked (`meta: {masked: ...}`); a contract says which columns a
   node has, without one it has whatever its text names. #}
{% macro private_columns() %}
    {%- set found = {} -%}
    {%- for node in graph.sources.values() | list + graph.nodes.values() | list -%}
        {%- set tagged = {} -%}
        {%- for name, column in node.columns.items() if 'pii' in column.config.tags -%}
            {%- do tagged.update({name: node.name ~ '.' ~ name}) -%}
        {%- endfor -%}
        {%- do found.update({node.unique_id: tagged}) -%}
    {%- endfor -%}
    {%- set state = namespace(n=-1, before=-2) -%}
    {%- for _ in graph.nodes -%}{%- if state.n != state.before -%}
        {%- set state.before = state.n -%}
        {%- set state.n = 0 -%}
        {%- for node in graph.nodes.values() -%}
            {%- if node.resource_type in ('model', 'snapshot') -%}
                {%- do found[node.unique_id].update(inherited_private_columns(node, found)) -%}
            {%- endif -%}
            {%- set state.n = state.n + found[node.unique_id] | length -%}
        {%- endfor -%}
    {%- endif -%}{%- endfor -%}
    {%- do return(found) -%}
{% endmacro %}

{# (table.column, where it comes from) for each column of a mart that the tag reaches, told on the screen, too. #}
{% macro unmasked_in_marts() %}
    {%- set reached = [] -%}
    {%- for unique_id, columns in (private_columns() if execute else {}).items() -%}
        {%- set node = graph.nodes.get(unique_id) -%}
        {%- for column, origin in columns.items() if node and node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
            {%- do reached.append((node.name ~ '.' ~ column, origin)) -%}
            {%- do log(node.name ~ '.' ~ column ~ ' comes from ' ~ origin ~ ' and says of no mask', info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(reached) -%}
{% endmacro %}

{% macro inherited_private_columns(node, found) %}
    {%- set names = {} -%}
    {%- for parent in node.depends_on.nodes -%}
        {%- do names.update(found.get(parent, {})) -%}
    {%- endfor -%}
    {%- set text = modules.re.sub('--[^\\n]*', '', node.raw_code) -%}
    {%- set expression = '((?:[^,()]|\\((?:[^()]|\\((?:[^()]|\\([^()]*\\))*\\))*\\))*)' -%}
    {%- set aliased = modules.re.findall(expression ~ '\\sas\\s+(\\w+)', text) if names else [] -%}
    {%- for _ in range(6) -%}
        {%- for expression, alias in aliased if alias not in names -%}
            {%- for name in modules.re.findall('\\w+', expression) if name in names and alias not in names -%}
                {%- do names.update({alias: names[name]}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set kept = {} -%}
    {%- set written = modules.re.findall('\\w+', text) -%}
    {%- set takes_all = modules.re.search('(?<!\\()\\*[\\s\\S]*?from\\s+\\{\\{', text) is not none -%}
    {%- for name, origin in names.items() -%}
        {%- set column = node.columns.get(name) -%}
        {%- set is_masked = column and column.config.meta.get('masked') -%}
        {%- if not is_masked and (column or (not node.config.contract.enforced and (takes_all or name in written))) -%}
            {%- do kept.update({name: origin}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(kept) -%}
{% endmacro %}
