# recurra serve, in two stages: what builds and what runs.
#   docker build --build-arg TORCH_INDEX=… -t recurra .
# docs/server.md, "In a container", says how it is run.

FROM python:3.11-slim AS build

# g++ compiles the native kernels; the version is the distribution's own
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/recurra
ENV PATH=/opt/recurra/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY constraints.txt ./

# The address of PyTorch's own package index of builds for CPUs, which its install page tells. Without
# it, pip takes the default build of Linux, with gigabytes of CUDA.
ARG TORCH_INDEX=""
RUN pip install --constraint constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch

# what the models need beside the server: fewer where fewer are served
ARG EXTRAS="serve,vision,text,music,series,speech"
COPY pyproject.toml README.md LICENSE ./
COPY native native
COPY src src
RUN pip install --constraint constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[$EXTRAS]"


FROM python:3.11-slim

# the owner of what is mounted: the file of keys is readable for its owner alone
ARG UID=1000
RUN useradd --uid "$UID" --no-create-home --home-dir /tmp --shell /usr/sbin/nologin recurra
COPY --from=build /opt/recurra /opt/recurra

# all that is written goes to /tmp, so the rest may be read-only
ENV PATH=/opt/recurra/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /models
USER $UID
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["recurra", "serve", "--host", "0.0.0.0", "--port", "8000"]
