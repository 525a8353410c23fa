# What scripts/up, scripts/test and scripts/check share: a Python, the virtual environment, a
# Docker Engine. Sourced, never run. Everything here may be called again at any time and does
# nothing when there is nothing to do.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$repository/.venv
step_log=$(mktemp "${TMPDIR:-/tmp}/ecn-step.XXXXXX")
trap 'rm -f "$step_log"' EXIT

say() { printf '%s\n' "$*"; }

# fail WHAT [WHAT TO DO ...]: the end, with advice, each on its own line.
fail() {
    printf '\n%s\n' "$1" >&2
    shift
    [ $# = 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# step WORDS COMMAND ...: one line, with how long it took. The command's output is shown only if
# it fails. The command may leave a remark for the line in $remark.
# A command that is a function runs without `set -e`: it has to return its own failures.
step() {
    local words=$1 started=$EPOCHREALTIME
    shift
    remark=
    printf '  %-50s ' "$words …"
    if ! "$@" > "$step_log" 2>&1; then
        printf 'failed\n\n' >&2
        tail -n 40 "$step_log" >&2
        fail "$words: that did not work; the reason is above."
    fi
    printf '%s s%s\n' "$(seconds_since "$started")" "${remark:+  ($remark)}"
}

seconds_since() {
    local microseconds=$((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}))
    printf '%d.%d' $((microseconds / 1000000)) $((microseconds % 1000000 / 100000))
}

is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" > /dev/null 2>&1; }
can_install() { is_root && has apt-get; }

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    # The lists of a fresh machine are empty or old: only when an install fails are they fetched.
    apt-get install -y --no-install-recommends "$@" && return
    apt-get update && apt-get install -y --no-install-recommends "$@"
}

# --- Python -----------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

# Sets $python to a Python of at least 3.11, if the machine has one.
find_python() {
    local name
    for name in ${ECN_PYTHON:+"$ECN_PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        if has "$name" && is_new_enough "$name"; then
            python=$name
            return
        fi
    done
    return 1
}

install_python() {
    apt_install python3 python3-venv
    # Ubuntu 22.04's own is 3.10; it offers 3.11 beside it.
    find_python || apt_install python3.11 python3.11-venv
    find_python
}

prepare_python() {
    find_python && return
    can_install || fail "ECN needs Python 3.11 or newer, and this machine has none." \
        "Debian 12+, Ubuntu 24.04+:  sudo apt-get install python3 python3-venv" \
        "Ubuntu 22.04:               sudo apt-get install python3.11 python3.11-venv" \
        "A Python somewhere else:    ECN_PYTHON=/path/to/python3 $0"
    step "Python is missing: installing it" install_python
}

# --- The virtual environment ------------------------------------------------------------------

make_venv() {
    rm -rf "$venv"
    if ! "$python" -c 'import ensurepip, venv'; then
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    "$python" -m venv "$venv"
}

# Its commands name its own place in their first line: it must not have been moved or copied.
venv_is_usable() {
    is_new_enough "$venv/bin/python" && grep -qF "$venv/bin/" "$venv/bin/pip" 2> /dev/null
}

# prepare_venv EXTRAS [GROUP]: ECN, editable, with those extras and that dependency group.
# A stamp remembers what was installed from which pyproject.toml, so that a second run is quick.
prepare_venv() {
    local extras=$1 group=${2:-} stamp=$venv/installed-$1${2:+-$2} wanted
    prepare_python
    if ! venv_is_usable; then
        if ! can_install && ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
            fail "This Python ($python) can't make virtual environments." \
                "sudo apt-get install python3-venv"
        fi
        step "Making the virtual environment .venv" make_venv
    fi
    wanted=$(sha256sum "$repository/pyproject.toml")
    [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
    step "Installing ECN and what it needs" install_into_venv "$extras" "$group"
    printf '%s\n' "$wanted" > "$stamp"
}

install_into_venv() {
    local pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet)
    # Dependency groups are understood by pip 25.1 and newer.
    [ -z "$2" ] || "${pip[@]}" --upgrade 'pip>=25.1' || return 1
    (cd "$repository" && "${pip[@]}" --editable ".[$1]" ${2:+--group "$2"})
}

# --- Docker Engine ----------------------------------------------------------------------------

# Asks as the agent will: at DOCKER_HOST, else at the usual socket. The docker command may be
# missing, or be there without an engine. Prints the version, or says why there is none.
engine_version() {
    "$venv/bin/python" - << 'PYTHON'
import asyncio, os, sys
from aiodocker import Docker

host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"

async def version():
    async with asyncio.timeout(10), Docker(host) as docker:
        return (await docker.version())["Version"]

try:
    print(asyncio.run(version()))
except Exception as e:
    sys.exit(str(e) or type(e).__name__)
PYTHON
}

install_docker() {
    apt_install docker.io iptables || return 1
    # From Debian 13 on the command is a package of its own. ECN does without it; people don't.
    has docker || apt_install docker-cli || true
}

# start_engine: by the machine's service manager where one works, else as a process of its own.
start_engine() {
    if [ -d /run/systemd/system ]; then
        systemctl enable --now docker || return 1
    elif ! service docker start || ! wait_for_engine 5; then
        # It goes on when this script ends: the containers are meant to.
        setsid dockerd > /var/log/dockerd.log 2>&1 < /dev/null &
    fi
    wait_for_engine 60 && return
    say "The engine did not answer within 60 seconds."
    tail -n 20 /var/log/dockerd.log 2> /dev/null
    return 1
}

wait_for_engine() {
    local deadline=$((SECONDS + $1))
    until engine_version; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.5
    done
}

# Needs the virtual environment.
prepare_engine() {
    local reason
    reason=$(engine_version 2>&1 > /dev/null) && return
    if [ -n "${DOCKER_HOST:-}" ]; then
        fail "No Docker Engine answers at DOCKER_HOST=$DOCKER_HOST: $reason" \
            "Start it, or unset DOCKER_HOST to use this machine's own."
    fi
    if [ -S /var/run/docker.sock ] && ! [ -w /var/run/docker.sock ]; then
        fail "There is a Docker Engine, but $(id -un) may not use it." \
            "sudo usermod -aG docker $(id -un)     (then log in again)" \
            "or run this as root."
    fi
    if ! can_install; then
        fail "ECN runs microservices with Docker Engine, and none answers: $reason" \
            "Installed already?       sudo systemctl start docker" \
            "Debian and Ubuntu:       sudo apt-get install docker.io" \
            "Elsewhere:               https://docs.docker.com/engine/install/" \
            "An engine elsewhere:     DOCKER_HOST=unix:///path/to/docker.sock $0" \
            "Rootless, for instance:  DOCKER_HOST=unix:///run/user/$(id -u)/docker.sock $0"
    fi
    if ! has dockerd; then
        step "No Docker Engine: installing Debian's docker.io" install_docker
    fi
    step "Starting Docker Engine" start_engine
}

# --- The interior router ------------------------------------------------------------------------

# The script of the package that neither changes its user nor uses the package's own node.
rabbitmq_server=/usr/lib/rabbitmq/bin/rabbitmq-server
# shellcheck disable=SC2034  # for those who source this
broker_advice="Debian and Ubuntu:  sudo apt-get install rabbitmq-server"

install_broker() {
    # The package would start a node of its own, open to all addresses: nobody asked for that.
    if [ -d /run/systemd/system ]; then
        systemctl mask --runtime rabbitmq-server || return 1
        apt_install rabbitmq-server || return 1
        systemctl unmask --runtime rabbitmq-server
        systemctl disable rabbitmq-server
    else
        apt_install rabbitmq-server
    fi
}

# prepare_broker: that RabbitMQ is installed. Fails where it is not and can't be.
prepare_broker() {
    [ -x "$rabbitmq_server" ] && return
    can_install || return
    step "No RabbitMQ: installing rabbitmq-server" install_broker
}

# --- What checks the dashboard's page ---------------------------------------------------------

# prepare_page: TypeScript, axe-core and lit-html as tests/dashboard/package-lock.json pins them.
# Without npm it returns failure, and says nothing.
prepare_page() {
    local folder=$repository/tests/dashboard stamp wanted
    has npm || return 1
    stamp=$folder/node_modules/installed
    wanted=$(sha256sum < "$folder/package-lock.json")
    [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
    step "Installing what checks the dashboard's page" \
        npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts
    printf '%s\n' "$wanted" > "$stamp"
}
