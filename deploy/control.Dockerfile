# The control plane: one image for the API, the task manager and the host part; the command says which. Built from a folder that
# scripts/images.mjs lays out (the build, the packages it needs, openapi.yaml), so nothing is downloaded but what the base lacks: libstdc++ and
# openssl, which makes the private certificates (deploy/certificates.mjs).
ARG BASE_IMAGE=debian:bookworm-slim
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM ${BASE_IMAGE}
RUN set -eu; \
  wanted=; \
  ldconfig -p | grep -q 'libstdc++\.so\.6' || wanted=libstdc++6; \
  command -v openssl > /dev/null || wanted="$wanted openssl"; \
  if [ -n "$wanted" ]; then \
    apt-get update; apt-get install -y --no-install-recommends $wanted; rm -rf /var/lib/apt/lists/*; \
  fi; \
  useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin redtrove; \
  mkdir -m 0700 /var/lib/redtrove; chown redtrove:redtrove /var/lib/redtrove
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY . /redtrove
ENV REDTROVE_STATE_DIR=/var/lib/redtrove
USER redtrove
VOLUME /var/lib/redtrove
EXPOSE 8779
ENTRYPOINT ["node", "/redtrove/dist/bin/redtrove.js"]
CMD ["serve", "api"]
