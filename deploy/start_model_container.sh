#!/bin/sh
# Serve the current version of the model store in a volume, by the image classification-model-api, until Ctrl-C. Where the
# volume has no model yet, it gets that of the image first: the Titanic's.
#
#     deploy/start_model_container.sh
#     ENGINE=podman PORT=9000 deploy/start_model_container.sh --env WORKERS=2
#
# Further arguments are options of `docker run` or `podman run`.
set -eu
. "$(dirname "$0")/container_engine.sh"

IMAGE=${IMAGE:-classification-model-api:latest} PORT=${PORT:-8002}
MODELS=${MODELS:-classification-models} LOG=${LOG:-classification-log}

find_engine
find_image "$IMAGE" deploy/api/Dockerfile
find_free_port "$PORT"
make_volume "$MODELS"
make_volume "$LOG"

# Store and log are written by the user of the image, whose files the other containers share.
run --network none --volume "$MODELS:/models" --volume "$LOG:/log" "$IMAGE" sh -ec '
    test -e /models/CURRENT || classification-model promote --store /models \
        "$(python -c "import classification_model as cm; print(cm.packaged_model())")"
    classification-model list --store /models'
echo "The API listens on http://localhost:$PORT until Ctrl-C; try http://localhost:$PORT/docs"
run_on_port "$PORT" --volume "$MODELS:/models:ro" --volume "$LOG:/log" --env MODEL_STORE=/models "$@" "$IMAGE"
