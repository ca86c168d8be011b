#!/bin/sh
# As in the official image: whoever calls it, the broker's own user asks.
export HOME=/var/lib/rabbitmq
exec setpriv --reuid=rabbitmq --regid=rabbitmq --clear-groups /usr/lib/rabbitmq/bin/rabbitmqctl "$@"
