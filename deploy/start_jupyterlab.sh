#!/bin/sh
# Make the volume of the models and start JupyterLab, by the image classification-model-jupyter, until Ctrl-C. A model that
# a notebook promotes in /models is served by start_model_container.sh.
#
#     deploy/start_jupyterlab.sh
#     ENGINE=podman PORT=9001 deploy/start_jupyterlab.sh
#
# Further arguments are options of `docker run` or `podman run`.
set -eu
. "$(dirname "$0")/container_engine.sh"

IMAGE=${IMAGE:-classification-model-jupyter:latest} PORT=${PORT:-10000}
MODELS=${MODELS:-classification-models} WORK=${WORK:-classification-work}

find_engine
find_image "$IMAGE" deploy/jupyter/Dockerfile
find_free_port "$PORT"
make_volume "$MODELS"
make_volume "$WORK"

# In the environment, since other users of this machine see the arguments of a program.
export JUPYTER_TOKEN="${JUPYTER_TOKEN:-$(od -An -N 24 -t x1 /dev/urandom | tr -d ' \n')}"
echo "JupyterLab listens on http://localhost:$PORT/lab?token=$JUPYTER_TOKEN until Ctrl-C"
run_on_port "$PORT" --volume "$MODELS:/models" --volume "$WORK:/work" --env JUPYTER_TOKEN "$@" "$IMAGE"
