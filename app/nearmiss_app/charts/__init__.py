"""Plotly figures from frames; no Streamlit inside, no arithmetic beyond what drawing needs."""
