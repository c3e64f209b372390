"""JupyterLab in a container: reached on the port of `PORT`, with the token of `JUPYTER_TOKEN`, on a read-only root."""

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by Jupyter
c.ServerApp.answer_yes = True  # Ctrl-C stops it without a question, which nobody would see
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - the container's; who may reach it is said by the ports that are published
c.ServerApp.port = int(os.environ["PORT"])
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = "/work"
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.news_url = None
