"""JupyterLab in a container: listening on `HOST` and `PORT`, with the token of `JUPYTER_TOKEN`, on a read-only root."""

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by Jupyter
c.ServerApp.answer_yes = True  # Ctrl-C stops it without a question, which nobody would see
c.ServerApp.ip = os.environ["HOST"]
c.ServerApp.port = int(os.environ["PORT"])
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/work"
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
