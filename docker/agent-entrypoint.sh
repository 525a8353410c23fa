#!/bin/sh
# What the agent's image starts: becomes a node if this device is none yet, then runs the agent.
# `healthy` is the image's health check. Other arguments go to `ecn-agent` as they are.
#
# ECN_CONTROLLER         the controller's URL; needed once
# ECN_PROVISIONING_KEY   the key, or
# ECN_KEY_FILE           a file with it, which is removed once the key is spent
# ECN_AGENT_DATA         the agent's folder (/var/lib/ecn-agent)
set -eu

case ${1:-run} in
    run) ;;
    healthy)
        exec python3 -c '
import json, subprocess, sys
status = json.loads(subprocess.check_output(["ecn-agent", "status", "--output", "json"]))
sys.exit(not status["agent_runs"] or status.get("engine_problem") or 0)'
        ;;
    *) exec ecn-agent "$@" ;;
esac

if [ ! -s "$ECN_AGENT_DATA/identity.json" ]; then
    if [ -z "${ECN_CONTROLLER:-}" ]; then
        echo "This device is no node yet: set ECN_CONTROLLER and ECN_PROVISIONING_KEY." >&2
        exit 64
    fi
    if [ -n "${ECN_KEY_FILE:-}" ]; then
        if [ ! -s "$ECN_KEY_FILE" ]; then
            echo "This device is no node yet, and there is no key in $ECN_KEY_FILE." >&2
            echo "With compose: docker compose run --rm bootstrap --again" >&2
            exit 64
        fi
        ecn-agent provision --controller "$ECN_CONTROLLER" --data "$ECN_AGENT_DATA" \
            --key-file "$ECN_KEY_FILE"
        rm -f "$ECN_KEY_FILE"
    else
        ecn-agent provision --controller "$ECN_CONTROLLER" --data "$ECN_AGENT_DATA"
    fi
fi
exec ecn-agent run --data "$ECN_AGENT_DATA"
