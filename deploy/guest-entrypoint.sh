#!/bin/sh
# Process 1 of a guest: keeps the agent running, so that redis-server outlives an agent that dies. A stop of the container is a
# clean stop of both, which is the agent's own answer to SIGTERM.
seed=$1
stopping=
agent=0
trap 'stopping=1; kill -TERM "$agent" 2>/dev/null' TERM INT
while [ -z "$stopping" ]; do
  node --max-semi-space-size=1 --max-old-space-size=48 --optimize-for-size \
    /redtrove/start.mjs "$seed" &
  agent=$!
  wait "$agent"
  # A signal ends the first wait at once; the agent takes its time.
  [ -n "$stopping" ] && wait "$agent"
  [ -z "$stopping" ] && sleep 1
done
