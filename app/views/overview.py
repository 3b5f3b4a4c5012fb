"""Placeholder until the page is built."""

import streamlit as st
from app import state
from mining.selection import STATUSES

st.write(state.workspace().decision().counts())
