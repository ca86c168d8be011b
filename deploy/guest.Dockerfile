# A guest: the agent and its redis-server (or valkey-server) in one container. One image for each version of a datastore; which
# version it is the base decides: Debian's bullseye has Redis 6.0, bookworm Redis 7.0 and (in its backports, which are asked when a release
# has no such server) Valkey 8.0, trixie Redis 8.0 and Valkey 8.1. A base that brings the server already (an image of Redis or Valkey on
# Debian, one of your own) is left as it is, and then nothing is downloaded.
#
#   docker build -f deploy/guest.Dockerfile --build-arg BASE_IMAGE=debian:trixie-slim --build-arg DATASTORE=valkey .
#
# It runs as a user without rights on a read-only root file system and writes to /guest alone.
ARG BASE_IMAGE=debian:bookworm-slim
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM ${BASE_IMAGE}
ARG DATASTORE=redis
RUN set -eu; \
  wanted=; \
  command -v ${DATASTORE}-server > /dev/null || wanted="${DATASTORE}-server"; \
  ldconfig -p | grep -q 'libstdc++\.so\.6' || wanted="$wanted libstdc++6"; \
  if [ -n "$wanted" ]; then \
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
    apt-get update; \
    suite=; \
    for one in $wanted; do \
      apt-cache show "$one" > /dev/null 2>&1 || suite="$(. /etc/os-release; echo "$VERSION_CODENAME")-backports"; \
    done; \
    if [ -n "$suite" ]; then \
      echo "deb http://deb.debian.org/debian $suite main" > /etc/apt/sources.list.d/backports.list; \
      apt-get update; \
    fi; \
    apt-get install -y --no-install-recommends ${suite:+-t "$suite"} $wanted; \
    rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d; \
  fi; \
  ${DATASTORE}-server --version; \
  useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin guest; \
  mkdir -m 0700 /guest; chown guest:guest /guest
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY deploy/guest-entrypoint.sh /redtrove/entrypoint
COPY dist/guestagent/main.js /redtrove/agent.mjs
COPY deploy/guest-agent.mjs /redtrove/start.mjs
USER guest
VOLUME /guest
WORKDIR /guest
ENTRYPOINT ["/redtrove/entrypoint"]
