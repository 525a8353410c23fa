"""The one door to Docker Engine: protocols of `lifecycle/engine.py` and `images/store.py`."""
