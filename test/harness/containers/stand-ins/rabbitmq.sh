#!/bin/sh
# RabbitMQ as Debian packages it, told what to do in the words of the official image.
set -eu
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=/var/lib/rabbitmq/enabled_plugins RABBITMQ_LOG_BASE=/tmp
echo '[].' > "$RABBITMQ_ENABLED_PLUGINS_FILE"
chown rabbitmq:rabbitmq "$RABBITMQ_ENABLED_PLUGINS_FILE"
exec setpriv --reuid=rabbitmq --regid=rabbitmq --clear-groups /usr/lib/rabbitmq/bin/rabbitmq-server
