#!/bin/sh
# Makes a certificate for trying things out, unless it is there: nobody but you trusts it.
#
#     tools/certificate.sh FOLDER [NAME…]      FOLDER/site.pem and FOLDER/site.key; NAME: localhost
set -eu
[ $# -ge 1 ] || { echo "usage: tools/certificate.sh FOLDER [NAME…]" >&2 && exit 2; }
folder=$1
shift
[ $# -ge 1 ] || set -- localhost
mkdir -p "$folder"
if [ -f "$folder/site.pem" ] && [ -f "$folder/site.key" ] &&
    openssl x509 -in "$folder/site.pem" -noout -checkend 86400 >/dev/null; then
    exit 0
fi
subject=$1
names=IP:127.0.0.1,IP:::1
for name in "$@"; do names="DNS:$name,$names"; done
(
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
        -subj "/CN=$subject" -addext "subjectAltName=$names" \
        -keyout "$folder/site.key.new" -out "$folder/site.pem.new" 2>/dev/null
)
mv "$folder/site.key.new" "$folder/site.key"
mv "$folder/site.pem.new" "$folder/site.pem"
echo "made $folder/site.pem for $*, 90 days, trusted by nobody"
