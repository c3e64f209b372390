#!/bin/sh
# Write the lock files of the images: the third-party packages of each in exact versions, with the hashes of every file
# that may be installed. Versions that are locked stay; `--upgrade` takes the newest, `--upgrade-package NAME` one of them.
set -eu
cd "$(dirname "$0")/../.."

lock() { # NAME, what its packages are required by, options of uv
    name=$1 && shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --output-file "deploy/locks/$name.txt" "$@"
    echo "deploy/locks/$name.txt: $(grep -c '==' "deploy/locks/$name.txt") packages"
}

package=package/pyproject.toml api=classification_api/pyproject.toml example=examples/companydata/pyproject.toml
lock build deploy/locks/build.in "$@"
lock api $package $api "$@"
lock eda $package $api --extra batch "$@"
lock training $package $example --extra train --extra sql --extra http --extra s3 --extra gcs --extra bigquery --extra excel --extra mlflow "$@"
lock jupyter $package $api $example --extra train --extra sql --extra http --extra s3 --extra gcs --extra bigquery --extra excel --extra mlflow --extra eda "$@"
lock mlflow deploy/locks/mlflow.in "$@"
