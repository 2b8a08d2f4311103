/*
 * Names are asked for rarely and by many at once: a reload or a TTL that runs out makes every
 * exchange of a service want the same name in the same millisecond. So each worker has a small
 * cache whose entries are also the meeting points: the first fiber starts the lookup, the others
 * wait for it.
 *
 * c-ares is driven by the worker's loop: it tells us its sockets and what it waits for on them, we
 * tell it when they are ready and when its next time-out is due. Its callbacks only fill the entry
 * and set its event; they run on the loop's stack or, for names from /etc/hosts, inside the call
 * itself, which therefore runs on the big stack. getaddrinfo would block the worker; a thread for
 * it could not be cancelled.
 *
 * An entry that expires is asked for anew in place, so that fibers which wait on it never lose it.
 * A lookup goes on when the fiber that began it is cancelled: the next one will want the answer.
 *
 * IPv4 addresses come first in an answer: a host without IPv6 connectivity fails fast on the
 * others, but not for free. In a simulation the world has a table of names and there is no cache.
 */
#include "io/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "io/clock.h"
#include "io/fiber.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/worker_impl.h"

enum {
    NAME_MAX_BYTES = 253,
    ENTRIES_MAX = 512,
    TTL_MIN_S = 1,
    TTL_MAX_S = 3600,
    TRY_MS = 1500, /* of the first try; c-ares doubles it for each round over the servers */
    TRIES = 3,
};

struct entry {
    struct nw_list node; /* most recently used first */
    struct nw_event done;
    char name[NAME_MAX_BYTES + 1];
    bool is_pending;
    unsigned waiters; /* fibers that look at it: it must stay */
    nw_err err;
    uint64_t until_ms;
    struct nw_addr_list answer;
};

struct socket {
    struct nw_source source; /* first */
    struct nw_list node;
};

struct resolver {
    ares_channel channel;
    struct nw_worker *worker;
    struct nw_timer timer;
    struct nw_list sockets;
    struct nw_list entries;
    unsigned entry_count;
};

/* ---- c-ares and the loop ---- */

static void timer_follow(struct resolver *resolver)
{
    struct timeval tv;
    if (ares_timeout(resolver->channel, NULL, &tv) == NULL) {
        nw_timer_disarm(&resolver->timer);
        return;
    }
    nw_timer_arm(&resolver->timer, (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void on_timer(struct nw_timer *timer)
{
    struct resolver *resolver = NW_CONTAINER_OF(timer, struct resolver, timer);
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    timer_follow(resolver);
}

static struct resolver *resolver_here(void)
{
    return nw_worker_self()->parts[NW_IO_PART_DNS].state;
}

/* c-ares may close the socket meanwhile: `source` is not looked at again. */
static void on_socket_ready(struct nw_source *source, unsigned ready)
{
    struct resolver *resolver = resolver_here();
    int fd = source->fd;
    bool is_readable = (ready & ~(unsigned)NW_READY_WRITE) != 0;
    bool is_writable = (ready & NW_READY_WRITE) != 0;
    ares_process_fd(resolver->channel, is_readable ? fd : ARES_SOCKET_BAD,
                    is_writable ? fd : ARES_SOCKET_BAD);
    timer_follow(resolver);
}

static struct socket *socket_of(struct resolver *resolver, int fd)
{
    NW_LIST_EACH (node, &resolver->sockets) {
        struct socket *socket = NW_CONTAINER_OF(node, struct socket, node);
        if (socket->source.fd == fd)
            return socket;
    }
    return NULL;
}

static void on_socket_state(void *arg, ares_socket_t fd, int is_readable, int is_writable)
{
    struct resolver *resolver = arg;
    struct socket *socket = socket_of(resolver, fd);
    unsigned want = (is_readable ? NW_READY_READ : 0) | (is_writable ? NW_READY_WRITE : 0);
    if (want == 0) {
        if (socket == NULL)
            return;
        (void)nw_source_detach(&socket->source); /* c-ares closes it */
        nw_list_remove(&socket->node);
        nw_free(socket);
    } else if (socket != NULL) {
        nw_source_want(&socket->source, want);
    } else {
        socket = nw_alloc_zero(sizeof *socket);
        if (nw_source_add(&socket->source, fd, want, on_socket_ready) != NW_OK) {
            nw_free(socket); /* the query then times out */
            return;
        }
        nw_list_push_back(&resolver->sockets, &socket->node);
    }
}

/* ---- the resolver of a worker ---- */

static void entry_free(struct resolver *resolver, struct entry *entry)
{
    nw_list_remove(&entry->node);
    resolver->entry_count--;
    nw_free(entry);
}

static void resolver_free(void *state)
{
    struct resolver *resolver = state;
    ares_destroy(resolver->channel); /* ends what is pending, closes its sockets */
    nw_timer_disarm(&resolver->timer);
    while (!nw_list_is_empty(&resolver->entries))
        entry_free(resolver, NW_CONTAINER_OF(resolver->entries.next, struct entry, node));
    nw_free(resolver);
}

static void servers_free(void *state)
{
    nw_free(state);
}

nw_err nw_io_resolve_listen(struct nw_slice text, struct nw_slice host, uint16_t port,
                            struct nw_addr *out)
{
    struct nw_addr_list list;
    nw_err err = nw_addr_parse(text, out);
    if (err != NW_NO_SUCH_NAME)
        return err;
    NW_TRY(nw_io_resolve(host, port, &list));
    *out = list.addr[0];
    return NW_OK;
}

void nw_dns_set_servers_for_test(struct nw_runtime *runtime, const char *servers)
{
    struct nw_part *part = &runtime->parts[NW_IO_PART_DNS];
    nw_free(part->state);
    part->state = nw_alloc_string(nw_slice_str(servers));
    part->free = servers_free;
}

struct channel_open {
    struct resolver *resolver;
    int status;
};

static void channel_open(void *arg)
{
    struct channel_open *open = arg;
    struct resolver *resolver = open->resolver;
    char lookups[] = "fb"; /* /etc/hosts, then the servers */
    struct ares_options options = {
        .timeout = TRY_MS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    open->status = ares_init_options(&resolver->channel, &options, mask);
    const char *servers = resolver->worker->runtime->parts[NW_IO_PART_DNS].state;
    if (open->status != ARES_SUCCESS || servers == NULL)
        return;
    open->status = ares_set_servers_ports_csv(resolver->channel, servers);
    if (open->status != ARES_SUCCESS)
        ares_destroy(resolver->channel);
}

/* NULL when c-ares cannot start (no memory, no configuration). */
static struct resolver *resolver_of(struct nw_worker *worker)
{
    struct nw_part *part = &worker->parts[NW_IO_PART_DNS];
    if (part->state != NULL)
        return part->state;
    struct resolver *resolver = nw_alloc_zero(sizeof *resolver);
    resolver->worker = worker;
    nw_list_init(&resolver->sockets);
    nw_list_init(&resolver->entries);
    nw_timer_init(&resolver->timer, on_timer);
    struct channel_open open = {.resolver = resolver};
    nw_run_on_big_stack(channel_open, &open);
    if (open.status != ARES_SUCCESS) {
        nw_free(resolver);
        return NULL;
    }
    part->state = resolver;
    part->free = resolver_free;
    return resolver;
}

/* ---- a lookup ---- */

static nw_err status_to_err(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return NW_OK;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
    case ARES_EBADQUERY:
        return NW_NO_SUCH_NAME;
    case ARES_ENOMEM:
        return NW_NO_MEMORY;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return NW_CANCELLED;
    default:
        return NW_UNREACHABLE; /* refused, failed or silent servers */
    }
}

static void answer_add(struct nw_addr_list *answer, const struct ares_addrinfo_node *node,
                       int family)
{
    if (node->ai_family != family || answer->count == NW_COUNT(answer->addr))
        return;
    struct nw_addr *addr = &answer->addr[answer->count++];
    *addr = (struct nw_addr){.kind = family == AF_INET ? NW_ADDR_IP4 : NW_ADDR_IP6};
    if (family == AF_INET)
        memcpy(addr->ip4, &((struct sockaddr_in *)(void *)node->ai_addr)->sin_addr, 4);
    else
        memcpy(addr->ip6, &((struct sockaddr_in6 *)(void *)node->ai_addr)->sin6_addr, 16);
}

static void answer_fill(struct nw_addr_list *answer, const struct ares_addrinfo *info)
{
    int64_t ttl_s = TTL_MAX_S;
    answer->count = 0;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        answer_add(answer, node, AF_INET);
        if (node->ai_ttl < ttl_s)
            ttl_s = node->ai_ttl;
    }
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        answer_add(answer, node, AF_INET6);
    answer->ttl_s = ttl_s > TTL_MIN_S ? (uint32_t)ttl_s : TTL_MIN_S;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct entry *entry = arg;
    entry->err = status_to_err(status);
    if (entry->err == NW_OK)
        answer_fill(&entry->answer, info);
    if (entry->err == NW_OK && entry->answer.count == 0)
        entry->err = NW_NO_SUCH_NAME;
    ares_freeaddrinfo(info);
    uint64_t ttl_s = entry->err == NW_OK ? entry->answer.ttl_s : TTL_MIN_S;
    entry->until_ms = nw_now_ms() + ttl_s * 1000;
    entry->is_pending = false;
    nw_event_set(&entry->done);
}

static void lookup_start(void *arg)
{
    struct entry *entry = arg;
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    ares_getaddrinfo(resolver_here()->channel, entry->name, NULL, &hints, on_answer, entry);
}

/* ---- the cache ---- */

static struct entry *entry_find(struct resolver *resolver, struct nw_slice name)
{
    NW_LIST_EACH (node, &resolver->entries) {
        struct entry *entry = NW_CONTAINER_OF(node, struct entry, node);
        if (nw_slice_eq_nocase(name, nw_slice_str(entry->name)))
            return entry;
    }
    return NULL;
}

/* The least recently used entry that nobody looks at. */
static bool entry_evict(struct resolver *resolver)
{
    for (struct nw_list *at = resolver->entries.prev; at != &resolver->entries; at = at->prev) {
        struct entry *entry = NW_CONTAINER_OF(at, struct entry, node);
        if (entry->waiters == 0 && !entry->is_pending) {
            entry_free(resolver, entry);
            return true;
        }
    }
    return false;
}

/* Found or made, and moved to the front; NULL when all are in use. */
static struct entry *entry_of(struct resolver *resolver, struct nw_slice name)
{
    struct entry *entry = entry_find(resolver, name);
    if (entry == NULL) {
        if (resolver->entry_count >= ENTRIES_MAX && !entry_evict(resolver))
            return NULL;
        entry = nw_alloc_zero(sizeof *entry);
        nw_list_init(&entry->node);
        nw_event_init(&entry->done);
        memcpy(entry->name, name.ptr, name.len);
        resolver->entry_count++;
    }
    nw_list_remove(&entry->node);
    nw_list_push_front(&resolver->entries, &entry->node);
    return entry;
}

/* ---- resolving ---- */

static bool parse_literal(const char *host, struct nw_addr *out)
{
    *out = (struct nw_addr){.kind = NW_ADDR_IP4};
    if (inet_pton(AF_INET, host, out->ip4) == 1)
        return true;
    *out = (struct nw_addr){.kind = NW_ADDR_IP6};
    return inet_pton(AF_INET6, host, out->ip6) == 1;
}

NW_YIELDS static nw_err resolve_simulated(struct nw_worker *worker, const char *host,
                                          struct nw_addr_list *out)
{
    if (strcmp(host, "localhost") != 0)
        return worker->backend->resolve(worker->backend_state, host, out);
    *out = (struct nw_addr_list){.count = 1, .ttl_s = TTL_MAX_S};
    (void)parse_literal("127.0.0.1", &out->addr[0]);
    return NW_OK;
}

NW_YIELDS static nw_err resolve_name(struct nw_worker *worker, struct nw_slice host,
                                     struct nw_addr_list *out)
{
    struct resolver *resolver = resolver_of(worker);
    if (resolver == NULL)
        return NW_UNREACHABLE;
    struct entry *entry = entry_of(resolver, host);
    if (entry == NULL)
        return NW_BUSY;
    if (!entry->is_pending && nw_now_ms() >= entry->until_ms) {
        entry->is_pending = true;
        nw_event_clear(&entry->done);
        nw_run_on_big_stack(lookup_start, entry);
        timer_follow(resolver);
    }
    nw_err err = NW_OK;
    entry->waiters++;
    while (entry->is_pending && err == NW_OK)
        err = nw_event_wait(&entry->done);
    entry->waiters--;
    if (err == NW_OK)
        err = entry->err;
    if (err != NW_OK)
        return err;
    *out = entry->answer;
    uint64_t left_s = entry->until_ms > nw_now_ms() ? (entry->until_ms - nw_now_ms()) / 1000 : 0;
    out->ttl_s = left_s > TTL_MIN_S ? (uint32_t)left_s : TTL_MIN_S;
    return NW_OK;
}

nw_err nw_io_resolve(struct nw_slice host, uint16_t port, struct nw_addr_list *out)
{
    char name[NAME_MAX_BYTES + 1];
    if (host.len == 0 || host.len > NAME_MAX_BYTES || nw_slice_find(host, '\0') != host.len)
        return NW_NO_SUCH_NAME;
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';

    struct nw_worker *worker = nw_worker_self();
    struct nw_addr_list answer = {.count = 1, .ttl_s = TTL_MAX_S};
    if (!parse_literal(name, &answer.addr[0])) {
        if (worker->backend->is_simulated)
            NW_TRY(resolve_simulated(worker, name, &answer));
        else
            NW_TRY(resolve_name(worker, host, &answer));
    }
    for (unsigned i = 0; i < answer.count; i++)
        answer.addr[i].port = port;
    *out = answer;
    return NW_OK;
}
