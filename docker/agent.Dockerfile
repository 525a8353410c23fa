# An agent in a container of the engine that it manages. It needs that engine's socket, and its
# data folder at the same path as on the host, since the engine mounts configurations from there:
#
#   docker run -v /var/run/docker.sock:/var/run/docker.sock \
#              -v /var/lib/ecn-agent:/var/lib/ecn-agent \
#              -e ECN_CONTROLLER=http://controller:51121 -e ECN_PROVISIONING_KEY=... ecn/agent
#
# It runs as root: whoever may use the socket is root on the host anyway, and the socket's group
# has another number on every host.
#
#   docker build -f docker/agent.Dockerfile -t ecn/agent .
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY events events
COPY projections projections
COPY ecn ecn
COPY agent agent
COPY routing routing
RUN python3 -m venv /opt/ecn && /opt/ecn/bin/pip install --no-cache-dir --quiet ".[agent,routing]"

FROM ${BASE}
COPY --from=build /opt/ecn /opt/ecn
COPY docker/agent-entrypoint.sh /usr/local/bin/agent-entrypoint
ENV PATH=/opt/ecn/bin:$PATH ECN_AGENT_DATA=/var/lib/ecn-agent PYTHONUNBUFFERED=1
HEALTHCHECK --interval=20s --timeout=10s --start-period=60s --retries=3 \
    CMD ["agent-entrypoint", "healthy"]
ENTRYPOINT ["agent-entrypoint"]
CMD ["run"]
