FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RETRACE_HOST=0.0.0.0 RETRACE_PORT=8000 RETRACE_DATA_DIR=/data
RUN mkdir /data && chown 10001:10001 /data
COPY --from=build /venv /venv
WORKDIR /retrace
COPY app app
COPY static static
COPY templates templates
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['RETRACE_PORT'] + '/healthz', timeout=2)"]
CMD ["python", "-m", "app"]
