"""The seams of widgetshot: each protocol is one thing that can be swapped, and each swap touches one room.

A front end makes a notebook a live page, a browser host gives pages to show it in, an executor runs sessions, a store
holds baselines, a sink takes results. Nothing here does any work.
"""

# Front ends and the pages that they make ---------------------------------------------------------------------------


# Browsers -----------------------------------------------------------------------------------------------------------


# Sessions and results -----------------------------------------------------------------------------------------------


# Baselines ----------------------------------------------------------------------------------------------------------
