"""Choices that are part of the address: a link opens what was chosen, and the address follows what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def select(label: str, options: Sequence[str], name: str, say: Callable[[str], str]) -> str:
    """A select box whose choice is the query parameter `name`."""
    _begin(options, name)
    st.selectbox(label, options, key=name, format_func=say)
    return _end(name)


def buttons(label: str, options: Sequence[str], name: str, say: Callable[[str], str]) -> str:
    """The same as a row of buttons, for a few options."""
    _begin(options, name)
    st.segmented_control(label, options, key=name, required=True, format_func=say)
    return _end(name)


def _begin(options: Sequence[str], name: str) -> None:
    """The address's choice where nothing is chosen yet; the first option where it names none of them."""
    asked = st.query_params.get(name)
    if st.session_state.get(name) not in options:
        if asked is not None and asked not in options:
            st.warning(f"There is no {name} {asked!r} here; shown is {options[0]!r}.", icon=":material/link_off:")
        st.session_state[name] = asked if asked in options else options[0]


def _end(name: str) -> str:
    chosen: str = st.session_state[name]
    st.query_params[name] = chosen
    return chosen
