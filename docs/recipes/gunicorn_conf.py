"""gunicorn: `gunicorn -c gunicorn_conf.py flask_app:app`.

The app is loaded, and its store opened, before the workers are forked: nothing has to be done
about it. Each worker has an L1 of its own and shares the L2; `lease=` makes one of all the workers
load what is missing.
"""

bind = "127.0.0.1:8000"
workers = 2
preload_app = True
