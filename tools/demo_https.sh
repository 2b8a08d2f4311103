#!/bin/bash
# make demo-https: HTTPS and HTTP/2 in front of the example shop, told by curl. Ends by itself, with
# 0 when everything was as promised. Needs newel and the shop as built, curl and openssl.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
newel=$build/newel
clients=4
dir=$(mktemp -d)
failed=0
newel_pid=
load_pids=

cleanup() {
    touch "$dir/over"
    # shellcheck disable=SC2086
    [ -n "$load_pids" ] && wait $load_pids 2>/dev/null
    if [ -n "$newel_pid" ] && kill -TERM "$newel_pid" 2>/dev/null; then wait "$newel_pid"; fi
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s\n' "$*"; }
show() { printf '   $ %s\n' "$*"; }
holds() { # holds WHAT TEST…
    local what=$1
    shift
    if "$@"; then echo "   ok: $what"; else
        echo "   FAILED: $what"
        failed=$((failed + 1))
    fi
}
contains() { case $1 in *"$2"*) true ;; *) false ;; esac }

authority() { # authority NAME: NAME.pem and NAME.key
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj "/CN=$1" -keyout "$dir/$1.key" -out "$dir/$1.pem" 2>/dev/null
}
issue() { # issue AUTHORITY FILE SUBJECT: a pair, each file replaced in one step
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" \
        -keyout "$dir/$2.key.new" -out "$dir/$2.csr" 2>/dev/null
    openssl x509 -req -in "$dir/$2.csr" -CA "$dir/$1.pem" -CAkey "$dir/$1.key" -CAcreateserial \
        -days 30 -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2') \
        -out "$dir/$2.pem.new" 2>/dev/null
    mv "$dir/$2.key.new" "$dir/$2.key"
    mv "$dir/$2.pem.new" "$dir/$2.pem"
}
get() { curl --silent --show-error --noproxy '*' --max-time 20 "$@"; }
trusting() { get --cacert "$dir/authority.pem" "$@"; }
served_subject() { trusting --verbose --output /dev/null "$https/ready" 2>&1 |
    sed -n 's/^\*  subject: CN=//p'; }
served_becomes() { # served_becomes SUBJECT: or ten seconds are over
    local tries=0
    until [ "$(served_subject)" = "$1" ] || [ $tries = 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

load() { # one client: a new connection for each request, until told to stop
    local done=0 lost=0
    until [ -e "$dir/over" ]; do
        if [ "$(trusting --http2 --output /dev/null --write-out '%{http_code}' \
            "$https/images/2.svg" 2>/dev/null)" = 200 ]; then
            done=$((done + 1))
        else
            lost=$((lost + 1))
        fi
        echo "$done $lost" >"$dir/load.$1.new"
        mv "$dir/load.$1.new" "$dir/load.$1"
    done
}
load_sum() { # load_sum COLUMN
    cat "$dir"/load.? 2>/dev/null | awk -v column="$1" '{ sum += $column } END { print sum + 0 }'
}
load_wait() { # until so many more requests are done
    local until
    until=$(($(load_sum 1) + $1))
    while [ "$(load_sum 1)" -lt "$until" ] && [ "$(load_sum 2)" = 0 ]; do sleep 0.1; done
}

say "A certificate for localhost, by an authority that only this demo trusts"
authority authority
authority partners
issue authority site "first certificate"
issue partners ada ada
cat >"$dir/newel.yaml" <<EOF
newel: 1
listen:
  - { address: 127.0.0.1:0, tls: { certificate: site.pem, key: site.key } }
  - address: 127.0.0.2:0
    tls: { certificate: site.pem, key: site.key, clients: { ca: partners.pem, require: true } }
  - { address: 127.0.0.3:0, redirect: https }
admin: 127.0.0.1:0
state: state
services:
  shop:
    run: [$PWD/$build/examples/shop/shop, --database, $dir/shop.db, --dev-key]
    instances: 2
    health: { path: /ready, every: 200ms }
routes:
  - { path: /, service: shop }
EOF
sed -n '2,5p' "$dir/newel.yaml" | sed 's/^/   /'
(cd "$dir" && exec "$OLDPWD/$newel" run newel.yaml) >"$dir/out" 2>"$dir/log" &
newel_pid=$!
until grep -q '^newel: serving' "$dir/log" &&
    [ "$(grep -c event=process.ready "$dir/log")" = 2 ]; do
    kill -0 "$newel_pid" 2>/dev/null || { cat "$dir/log" && newel_pid= && exit 1; }
    sleep 0.05
done
mapfile -t at < <(sed -n 's/^newel: serving \([^;]*\);.*/\1/p' "$dir/log" |
    tr ',' '\n' | sed 's/^.*:\([0-9]*\)$/\1/')
https=https://localhost:${at[0]} partners=https://127.0.0.2:${at[1]} plain=http://127.0.0.3:${at[2]}

say "HTTPS, and HTTP/2 because the client offers it"
show "curl $https/"
answer=$(trusting --output /dev/null --write-out '%{http_code} over HTTP/%{http_version}' "$https/")
echo "   $answer"
holds "answered over HTTP/2" test "$answer" = "200 over HTTP/2"
answer=$(trusting --http1.1 --output /dev/null \
    --write-out '%{http_code} over HTTP/%{http_version}' "$https/")
holds "a client of HTTP/1.1 is served too: $answer" test "$answer" = "200 over HTTP/1.1"
answer=$(get --output /dev/null "$https/" 2>&1 | head -1)
holds "who does not know the authority is warned: ${answer#curl: }" contains "$answer" "certificate"

say "Plain HTTP leads to HTTPS"
show "curl --head $plain/products?page=2"
answer=$(get --head "$plain/products?page=2" | tr -d '\r')
echo "$answer" | sed -n 's/^\(HTTP.*\|[Ll]ocation.*\)/   \1/p'
holds "308 to the same address under https" contains "$answer" " 308 "
holds "the path and the query are kept" contains "$answer" "/products?page=2"

say "The certificate is replaced while $clients clients ask without pause, each time anew"
for number in $(seq $clients); do
    load "$number" &
    load_pids="$load_pids $!"
done
load_wait 50
echo "   served: $(served_subject)"
issue authority site "second certificate"
echo "   written: second certificate, over the first; nothing is reloaded by hand"
served_becomes "second certificate"
holds "the new one is served" test "$(served_subject)" = "second certificate"
echo broken >"$dir/site.pem.new" && mv "$dir/site.pem.new" "$dir/site.pem"
tries=0
until grep -q certificate_refused "$dir/log" || [ $tries = 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
holds "a broken one is refused, and said" grep -q certificate_refused "$dir/log"
sed -n 's/.*\(event=tls.certificate_refused.*\)/   \1/p' "$dir/log" | head -1 | cut -c 1-160
holds "the good one is still served" test "$(served_subject)" = "second certificate"
issue authority site "third certificate"
load_wait 50
touch "$dir/over"
# shellcheck disable=SC2086
wait $load_pids
load_pids=
holds "$(load_sum 1) requests answered, $(load_sum 2) failed" test "$(load_sum 2)" = 0
served_becomes "third certificate"
holds "a good one after the broken one is served" test "$(served_subject)" = "third certificate"

say "An address where clients must show a certificate"
show "curl $partners/"
answer=$(trusting --output /dev/null "$partners/" 2>&1)
echo "   ${answer#curl: }"
holds "refused without one" contains "$answer" "alert"
show "curl --cert ada.pem --key ada.key $partners/"
answer=$(trusting --cert "$dir/ada.pem" --key "$dir/ada.key" --output /dev/null \
    --write-out '%{http_code}' "$partners/" 2>&1)
holds "let in with one: $answer" test "$answer" = 200

say "What newel tells about it"
show "newel tls"
answer=$("$newel" tls --state "$dir/state")
echo "$answer" | sed 's/^/   /'
holds "names and days are listed" contains "$answer" localhost

say "The end"
kill -TERM "$newel_pid"
wait "$newel_pid"
code=$?
newel_pid=
holds "newel stopped by itself with $code" test $code = 0
if [ $failed = 0 ]; then echo && echo "Everything was as promised."; else
    echo && echo "$failed FAILED; newel's log:" && tail -30 "$dir/log"
fi
exit $((failed > 0))
