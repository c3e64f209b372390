# What the start scripts share: docker or podman, whichever answers, or the one that ENGINE names.
# ENGINE_OPTIONS stand before the command, RUN_OPTIONS after `run`; NETWORK=host gives containers the network of this machine.

fail() {
    echo "error: $*" >&2
    exit 2
}

find_engine() {
    if [ -z "${ENGINE:-}" ]; then
        for ENGINE in docker podman; do
            command -v "$ENGINE" >/dev/null 2>&1 && engine info >/dev/null 2>&1 && return
        done
        fail "expected docker or podman, found neither that answers: install one of them, or start its service"
    fi
    command -v "$ENGINE" >/dev/null 2>&1 || fail "expected $ENGINE on the PATH, found none: install it, or name another ENGINE"
    engine info >/dev/null 2>&1 || fail "$ENGINE does not answer: start its service, or see what \`$ENGINE info\` says"
}

is_podman() { # which leaves out health checks unless it is told the format that has them
    case ${ENGINE##*/} in podman*) return 0 ;; *) return 1 ;; esac
}

engine() {
    "$ENGINE" ${ENGINE_OPTIONS:-} "$@"
}

find_image() { # NAME, its Dockerfile
    engine image inspect "$1" >/dev/null 2>&1 || fail "expected the image $1, found none: build it in the clone with" \
        "\`$ENGINE build $(is_podman && echo "--format docker ")--file $2 --tag $1 .\`"
}

find_free_port() {
    case $1 in '' | *[!0-9]*) fail "expected PORT to be a number, found $1" ;; esac
    if command -v python3 >/dev/null 2>&1; then
        python3 -c 'import socket, sys
with socket.socket() as s:
    sys.exit(s.connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0)' "$1" || fail "port $1 is taken: choose another PORT"
    fi
}

make_volume() {
    engine volume inspect "$1" >/dev/null 2>&1 || engine volume create "$1" >/dev/null
}

# Options, image, command: a container that may do nothing but its work, and leaves nothing but its volumes.
run() {
    engine run --rm ${RUN_OPTIONS:-} --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges "$@"
}

# PORT, options, image: a container that is reached on a port of this machine alone.
run_on_port() {
    port=$1 && shift
    if [ "${NETWORK:-}" = host ]; then
        run --network host --env HOST=127.0.0.1 --env PORT="$port" "$@"
    else
        run --publish "127.0.0.1:$port:$port" --env PORT="$port" "$@"
    fi
}
