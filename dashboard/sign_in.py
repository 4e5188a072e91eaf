"""Who is looking: signed in by OIDC where `[auth]` is configured, and whether they may decide about models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitSecretNotFoundError

from dashboard import clock, data


def is_configured() -> bool:
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def email_of(claims: Mapping[str, Any], now: datetime) -> str | None:
    """The address of a token that is still valid. Streamlit's cookie outlives the token, so `exp` is checked here."""
    expires, email = claims.get("exp"), claims.get("email")
    if not isinstance(expires, int | float) or not isinstance(email, str) or claims.get("email_verified") is False:
        return None
    return email.strip().lower() if datetime.fromtimestamp(expires, UTC).replace(tzinfo=None) > now else None


def signed_in() -> str | None:
    """The e-mail address of whoever is signed in."""
    if not is_configured() or not st.user.get("is_logged_in"):
        return None
    return email_of(st.user.to_dict(), clock.now())


def operator() -> str | None:
    """The e-mail address of an operator; None for everybody else."""
    email = signed_in()
    return email if email in data.settings().operator_emails else None


def panel() -> None:
    """Sign in or out, below the pages; nothing where sign-in is not configured."""
    if not is_configured():
        return
    email = signed_in()
    if email:
        st.caption(f"Signed in as {email}" + (", operator" if operator() else ""))
        st.button("Sign out", on_click=st.logout, icon=":material/logout:")
        return
    if st.user.get("is_logged_in"):
        st.caption("Your sign-in has ended.")
    if st.button("Sign in", icon=":material/login:"):
        try:
            st.login()
        except StreamlitAuthError as error:
            st.error(f"Sign-in is not possible: {error}. See docs/dashboard.md", icon=":material/error:")
