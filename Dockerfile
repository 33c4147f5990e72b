# syntax=docker/dockerfile:1
# Three images: --target web (also the clock and the migrations; no torch), worker-cpu, worker-gpu.

FROM python:3.11-slim-bookworm AS base
ENV PATH=/opt/latent/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/latent

# The locked packages, without the code, so that a change of the code installs nothing anew.
FROM base AS packages
RUN pip install --no-cache-dir uv && python -m venv --without-pip /opt/latent
ENV VIRTUAL_ENV=/opt/latent UV_NO_CACHE=1 UV_INDEX_STRATEGY=unsafe-best-match
COPY pyproject.toml requirements.lock requirements-data.txt ./

FROM packages AS packages-web
RUN uv pip install --constraint requirements.lock --requirement pyproject.toml --extra web

FROM packages AS packages-gpu
RUN uv pip install --constraint requirements.lock --requirement pyproject.toml --extra web --extra worker \
    && uv pip install --no-deps --requirement requirements-data.txt

# The torch of the package index brings CUDA with it. An index that has it for the CPU alone, given here, makes
# the image much smaller.
FROM packages AS packages-cpu
ARG TORCH_INDEX=
RUN uv pip install --constraint requirements.lock --requirement pyproject.toml --extra web --extra worker \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
    && uv pip install --no-deps --requirement requirements-data.txt

FROM base AS latent
RUN useradd --system --uid 10001 --no-create-home --home-dir /var/lib/latent latent \
    && install --directory --owner latent /var/lib/latent /var/lib/latent/media /var/lib/latent/.cache
ENV LATENT_HOME=/var/lib/latent \
    BIND_ADDRESS=0.0.0.0
COPY . .
USER latent

FROM latent AS web
COPY --from=packages-web /opt/latent /opt/latent
# With a key of its own, since one made here would be the same wherever the image runs.
RUN SECRET_KEY=for-this-step python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
# A site for one host name, or for https, turns the question away: it answers.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from http.client import HTTPConnection as H; h = H('127.0.0.1', 8000, timeout=4); h.request('GET', '/healthz'); raise SystemExit(h.getresponse().status >= 500)"]
CMD ["python", "-m", "gunicorn", "--config", "python:webapp.gunicorn"]

FROM latent AS worker
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
    CMD python -m celery --app webapp inspect ping --timeout 5 --destination "worker@$(hostname)"
CMD ["python", "manage.py", "worker"]

FROM worker AS worker-cpu
COPY --from=packages-cpu /opt/latent /opt/latent

FROM worker AS worker-gpu
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-gpu /opt/latent /opt/latent
