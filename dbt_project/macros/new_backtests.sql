{# A training run writes its backtest once: runs that the model already holds are left alone. #}
{% macro new_backtests() %}
    select * from {{ source('ml', 'backtests') }}
    {% if is_incremental() %}
    where run_id || dataset not in (select distinct run_id || dataset from {{ this }})
    {% endif %}
{%- endmacro %}
