#!/bin/sh
# Process 1 of a guest: keeps the agent running, so that redis-server outlives an agent that dies. A stop of the container is a
# clean stop of both, which is the agent's own answer to SIGTERM.
seed=$1
stopping=
agent=
tell() {
  stopping=1
  [ -z "$agent" ] || kill -TERM "$agent" 2>/dev/null
}
trap tell TERM INT HUP
while [ -z "$stopping" ]; do
  node --max-semi-space-size=1 --max-old-space-size=48 --optimize-for-size \
    /redtrove/start.mjs "$seed" &
  agent=$!
  # The signal came between the two lines above.
  [ -z "$stopping" ] || tell
  # A signal ends a wait at once, however many come; the agent takes its time, and with this process everything in the container ends.
  while kill -0 "$agent" 2>/dev/null; do wait "$agent"; done
  agent=
  [ -z "$stopping" ] && sleep 1
done
