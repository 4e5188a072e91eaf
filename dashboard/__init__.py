"""The pages on the published copy, by Streamlit."""
