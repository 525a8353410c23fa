# A controller. With a database elsewhere it keeps only its keys and `admin.json` in /var/lib/ecn;
# without ECN_DATABASE_URL it runs its own Postgres there.
#
#   docker build -f docker/controller.Dockerfile -t ecn/controller .
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY events events
COPY projections projections
COPY ecn ecn
COPY agent agent
COPY routing routing
RUN python3 -m venv /opt/ecn && /opt/ecn/bin/pip install --no-cache-dir --quiet ".[server]"

FROM ${BASE}
# A fixed number, so that volumes fit from one version to the next.
RUN useradd --uid 10051 --user-group --no-create-home --home-dir /var/lib/ecn ecn \
    && install -d -o ecn -g ecn -m 0700 /var/lib/ecn /run/ecn-key
COPY --from=build /opt/ecn /opt/ecn
COPY docker/bootstrap.py /opt/ecn/bootstrap.py
ENV PATH=/opt/ecn/bin:$PATH ECN_DATA=/var/lib/ecn PYTHONUNBUFFERED=1
USER ecn
VOLUME /var/lib/ecn
EXPOSE 51121
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:51121/api/v1/status', timeout=4)"]
ENTRYPOINT ["ecn"]
CMD ["controller", "--listen", "0.0.0.0:51121", "--data", "/var/lib/ecn"]
