/* The first of a minute is told at once; the others are numbers until the next minute's first. */
#include "gate/denied.h"

#include "base/log.h"
#include "gate/ids.h"
#include "io/clock.h"

enum { EVERY_MS = 60 * 1000 };

static const char *const words[GATE_DENIALS] = {
    [GATE_DENIED_LISTENER] = "listener_address",
    [GATE_DENIED_ROUTE] = "route_address",
    [GATE_DENIED_PROXY_MALFORMED] = "proxy_malformed",
    [GATE_DENIED_PROXY_LATE] = "proxy_late",
    [GATE_DENIED_PROXY_OVERSIZED] = "proxy_oversized",
    [GATE_DENIED_PROXY_UNNAMED] = "proxy_unnamed",
};

void gate_denied_init(struct nw_gate *gate)
{
    for (unsigned i = 0; i < GATE_DENIALS; i++)
        gate->denied[i].series =
            nw_metric_open(gate->metrics, NW_METRIC_gate_denied_total, words[i]);
}

void gate_denied_done(struct nw_gate *gate)
{
    for (unsigned i = 0; i < GATE_DENIALS; i++)
        nw_metric_close(gate->metrics, gate->denied[i].series);
}

void gate_denied(struct gate_worker *worker, gate_denial why, const struct gate_listener *listener,
                 const struct gate_peer *peer, const char *detail)
{
    struct gate_denied *denied = &worker->gate->denied[why];
    char client[NW_ADDR_TEXT_MAX_BYTES];
    struct nw_addr addr;
    uint64_t unsaid;
    nw_metric_add(denied->series, worker->index, 1);
    if (!nw_quiet_is_due(&denied->quiet, nw_now_ms(), EVERY_MS, &unsaid))
        return;
    gate_peer_addr(peer, &addr);
    nw_log(nw_worker_log(worker->worker), NW_WARN, "door.denied",
           "why=%s client=%s listen=%s reason=%s unsaid=%llu", words[why],
           nw_addr_print_host(&addr, client), listener->text, detail, (unsigned long long)unsaid);
}
