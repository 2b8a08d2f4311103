#!/bin/sh
# make run: tools/run.sh NEWEL CONF. Makes what the example over HTTPS needs, then becomes newel.
set -eu
newel=$1
conf=$2
if grep -q 'newel-data/site\.pem' "$conf"; then
    tools/certificate.sh newel-data
    grep -E '^#   (curl|build/newel)' "$conf" | sed 's/^#   /try: /'
fi
exec "$newel" run "$conf"
