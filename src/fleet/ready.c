/*
 * When may a new process be sent requests? When somebody accepts on the socket or the port that it
 * was given and, where the service has a health path, answers it well. Nothing tells when a process
 * begins to listen, so it is asked: every 10 ms in its first second, when most are ready, seldom
 * later. A refused connection over loopback costs some microseconds.
 *
 * A program that ignores what it was given listens somewhere all the same. After two seconds
 * without an answer /proc is searched: with one instance a single port can only be the right one.
 * With more than one it would be the first instance's, and every further one would fail, so they
 * are told about PORT instead.
 */
#include <stdio.h>

#include "fleet/fleet_impl.h"
#include "http/fetch.h"
#include "io/clock.h"
#include "io/procfs.h"
#include "io/stream.h"
#include "io/worker.h"

enum {
    CONNECT_TIMEOUT_MS = 500,
    SEARCH_AFTER_MS = 2000,
    SEARCH_EVERY_MS = 1000,
    SEARCH_TIMEOUT_MS = 5000,
    REMIND_AFTER_MS = 30000
};

struct watch {
    struct fleet_run *run;
    struct nw_addr found; /* kind NONE: nothing was found */
    uint64_t search_at_ms;
    int status;          /* what the health path answered last; 0: nothing that is HTTP */
    unsigned told_ports; /* how many ports the last message named; 0: none yet */
    bool was_told;
    bool was_reminded;
};

/* ---- asking ---- */

NW_YIELDS static nw_err ask_health(struct watch *watch, struct nw_stream *stream)
{
    const struct fleet_service *service = watch->run->slot->service;
    struct nw_http_fetch fetch = {
        .path = nw_slice_str(service->health_path),
        .host = nw_slice_str(service->health_host),
    };
    watch->status = 0;
    NW_TRY(nw_http_fetch(stream, &fetch, &watch->status));
    return nw_conf_statuses_have(&service->expect, watch->status) ? NW_OK : NW_BAD_MESSAGE;
}

/* NW_OK: this is where it answers. */
NW_YIELDS static nw_err ask(struct watch *watch, const struct nw_addr *addr)
{
    struct fleet_run *run = watch->run;
    const struct fleet_service *service = run->slot->service;
    struct nw_stream stream;
    NW_WITHIN(patience, service->health_path != NULL && service->health_timeout_ms > 0
                            ? service->health_timeout_ms
                            : CONNECT_TIMEOUT_MS);
    NW_TRY(nw_io_connect(addr, &stream));
    nw_err err = nw_stream_is_to_itself(&stream) ? NW_REFUSED : NW_OK;
    if (err == NW_OK) {
        run->has_answered = true;
        if (service->health_path != NULL)
            err = ask_health(watch, &stream);
    }
    nw_stream_close(&stream);
    return err;
}

/* Everywhere that it may be; the first that answers is its address. */
NW_YIELDS static nw_err ask_all(struct watch *watch)
{
    struct fleet_run *run = watch->run;
    struct nw_addr places[3];
    unsigned count = 0;
    if (run->has_socket) {
        places[count] = (struct nw_addr){.kind = NW_ADDR_UNIX};
        memcpy(places[count].path, run->socket_path, sizeof run->socket_path);
        count++;
    }
    places[count++] = (struct nw_addr){
        .kind = NW_ADDR_IP4, .port = (uint16_t)run->port, .ip4 = {127, 0, 0, 1}};
    if (watch->found.kind != NW_ADDR_NONE)
        places[count++] = watch->found;
    nw_err err = NW_REFUSED;
    for (unsigned i = 0; i < count && err != NW_OK && !nw_fiber_is_cancelled(); i++) {
        err = ask(watch, &places[i]);
        if (err == NW_OK)
            run->addr = places[i];
    }
    return err;
}

/* ---- searching ---- */

static void tell_ports(struct watch *watch, const struct nw_listening *listening)
{
    struct fleet_run *run = watch->run;
    const struct fleet_slot *slot = run->slot;
    struct nw_text ports = {0};
    nw_text_add_str(&ports, "");
    for (unsigned i = 0; i < listening->count && i < NW_LISTENING_MAX; i++)
        nw_text_addf(&ports, "%s%u", i > 0 ? "," : "", listening->addr[i].port);
    struct nw_log *log = nw_worker_log(nw_worker_self());
    if (listening->count == 1 && slot->service->instances == 1)
        nw_log(log, NW_INFO, "process.port_found", "service=%s instance=%u pid=%d port=%s hint=%s",
               slot->service->name, slot->number, run->process.pid, ports.ptr,
               "it ignores PORT and NEWEL_SOCKET; {port} in the command is replaced");
    else
        nw_log(log, NW_WARN, "process.not_answering",
               "service=%s instance=%u pid=%d port=%u listens_on=%s hint=%s", slot->service->name,
               slot->number, run->process.pid, run->port, ports.ptr,
               "it shall listen on PORT or NEWEL_SOCKET; {port} in the command is replaced");
    nw_text_done(&ports);
    watch->was_told = true;
    watch->told_ports = listening->count;
}

NW_YIELDS static nw_err search_ports(struct watch *watch)
{
    struct fleet_run *run = watch->run;
    uint64_t age_ms = nw_now_ms() - run->started_ms;
    struct nw_listening listening;
    watch->search_at_ms = nw_now_ms() + SEARCH_EVERY_MS;
    NW_WITHIN(patience, SEARCH_TIMEOUT_MS);
    nw_err err = nw_process_listening(&run->process, &listening);
    if (err != NW_OK)
        return err == NW_CANCELLED ? err : NW_OK;
    bool is_clear = listening.count == 1 && run->slot->service->instances == 1;
    if (is_clear)
        watch->found = listening.addr[0];
    bool is_late = age_ms >= REMIND_AFTER_MS && !watch->was_reminded;
    if (!watch->was_told || watch->told_ports != listening.count || is_late)
        tell_ports(watch, &listening);
    watch->was_reminded |= is_late;
    return NW_OK;
}

static void tell_unwell(struct watch *watch)
{
    const struct fleet_slot *slot = watch->run->slot;
    if (slot->service->health_path == NULL)
        return; /* a reload took it away meanwhile */
    nw_log(nw_worker_log(nw_worker_self()), NW_WARN, "process.not_well",
           "service=%s instance=%u pid=%d path=%s status=%d hint=%s", slot->service->name,
           slot->number, watch->run->process.pid, slot->service->health_path, watch->status,
           "requests come once health.path answers as health.expect says");
    watch->was_told = true;
}

/* ---- waiting ---- */

static uint64_t pause_ms(uint64_t age_ms)
{
    return age_ms < 1000 ? 10 : age_ms < 5000 ? 50 : 250;
}

/* NW_TIMEOUT: the pause is over. */
NW_YIELDS static nw_err pause(struct fleet_run *run)
{
    struct nw_wait waits[] = {{.event = &run->process.ended}, {.event = &run->asked}};
    NW_WITHIN(rest, pause_ms(nw_now_ms() - run->started_ms));
    return nw_io_wait_any(waits, NW_COUNT(waits));
}

nw_err nw_fleet_run_wait_ready(struct fleet_run *run)
{
    struct watch watch = {.run = run, .search_at_ms = run->started_ms + SEARCH_AFTER_MS};
    for (;;) {
        nw_err err = ask_all(&watch);
        if (nw_process_has_ended(&run->process) || run->is_leaving)
            return NW_PEER_CLOSED;
        if (err == NW_OK || nw_fiber_is_cancelled())
            return err;
        bool is_late = nw_now_ms() >= watch.search_at_ms;
        if (is_late && !run->has_answered)
            NW_TRY(search_ports(&watch));
        else if (is_late && !watch.was_told)
            tell_unwell(&watch);
        err = pause(run);
        if (err != NW_TIMEOUT)
            return err == NW_OK ? NW_PEER_CLOSED : err;
    }
}
