"""The store of approved pictures and their sidecars."""
