"""HTML pages that runs have written, shown inside a page: only those within their folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

HEIGHT = 800


def embed(folder: Path, name: str, title: str, gone: str) -> None:
    """The page `name` of the folder, with a way to keep it; `gone` says why it may be missing."""
    path = (folder.resolve() / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path.suffix != ".html" or not path.is_file():
        st.info(f"{name} is not in the data folder of this machine. {gone}", icon=":material/hourglass_empty:")
        return
    st.download_button(
        "Download this page", path.read_bytes(), path.name, "text/html", icon=":material/download:", on_click="ignore"
    )
    st.iframe(path, height=HEIGHT, alt=title)
