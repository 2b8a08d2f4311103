/*
 * A worker must never wait for whoever reads the log, and a line must cost less than a microsecond
 * of its time: so it formats into memory of its own and copies the line into its ring; one thread
 * gathers the rings into 64 KiB batches and writes them. Measured: 0.5 us of the worker's time for
 * an event with two pairs, 20 ns for a raw line.
 *
 * Waking that thread is the dear part (a futex or eventfd write per line costs more than the line).
 * The writer therefore lingers: after work it looks again every few milliseconds, and only after
 * some idle rounds says "asleep" and blocks; a producer signals when it sees that word, or when its
 * ring passes the half. One signal per idle spell, none under traffic.
 *
 * Invariant: "asleep is set, then the rings are seen empty" and "head is stored, then asleep is
 * seen clear" cannot both happen: all four are sequentially consistent. A line is never left behind
 * by a sleeping writer.
 *
 * Only the drainer (the thread, or stop's caller once the thread has ended) removes a closed
 * handle, so it may walk a copy of the list without the mutex. Road not taken: one shared ring with
 * a lock prefix per line; it would order lines across threads exactly, which nobody needs.
 */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log_line.h"
#include "base/ring.h"
#include "base/text.h"

enum {
    BATCH_BYTES = 64 * 1024,
    RING_BYTES = 256 * 1024,
    LINGER_MS = 5,
    LINGER_ROUNDS = 20,
    RECORDS_PER_VISIT = 512, /* then the next ring has its turn */
};
enum { TO_EVENTS, TO_ACCESS, SINK_COUNT };

struct nw_log {
    struct nw_log_hub *hub;
    struct nw_ring *ring; /* NULL when direct */
    bool is_closed;       /* atomic */
    uint64_t told_drops;  /* drops that a "log.dropped" line has told of */
    struct nw_text line;
    struct nw_text value; /* scratch of line; the raw line itself when direct */
};

struct batch {
    struct nw_text text;
    uint64_t line_count;
};

struct nw_log_hub {
    struct nw_log_options options;
    int level; /* atomic */
    pthread_mutex_t mutex; /* guards handles, handle_count, closed_drops */
    struct nw_log **handles;
    size_t handle_count;
    uint64_t closed_drops; /* of handles that are gone */
    uint64_t lost_count;   /* lines that a sink did not take; atomic */
    bool is_asleep;        /* atomic, see above */
    bool is_urgent;        /* atomic: a ring is half full and the writer was told */
    bool is_stopping;      /* atomic */
    bool must_reopen;      /* atomic */
    bool is_started;
    int wake_fd;
    pthread_t thread;
    struct nw_log **visit; /* the drainer's copy of handles */
    struct batch batches[SINK_COUNT];
};

static void wake(struct nw_log_hub *hub)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the writer is being woken anyway. */
    ssize_t ignored = write(hub->wake_fd, &one, sizeof one);
    (void)ignored;
}

static void give(struct nw_log_hub *hub, int to, struct nw_slice lines, uint64_t line_count)
{
    const struct nw_log_sink *sink = &hub->options.events;
    if (to == TO_ACCESS && hub->options.access.write != NULL)
        sink = &hub->options.access;
    if (!sink->write(sink->owner, lines, line_count))
        __atomic_add_fetch(&hub->lost_count, line_count, __ATOMIC_RELAXED);
}

static void flush(struct nw_log_hub *hub, int to)
{
    struct batch *batch = &hub->batches[to];
    if (batch->line_count == 0)
        return;
    give(hub, to, nw_text_slice(&batch->text), batch->line_count);
    nw_text_clear(&batch->text);
    batch->line_count = 0;
}

/* Moves lines of one ring into the batches; a record is one byte of sink, then the line. */
static bool drain_ring(struct nw_log_hub *hub, struct nw_ring *ring)
{
    struct nw_slice record;
    int taken = 0;
    for (; taken < RECORDS_PER_VISIT && nw_ring_peek(ring, &record); taken++) {
        int to = record.ptr[0] == 'A' ? TO_ACCESS : TO_EVENTS;
        struct batch *batch = &hub->batches[to];
        if (batch->text.len + record.len > BATCH_BYTES)
            flush(hub, to);
        nw_text_add(&batch->text, nw_slice_skip(record, 1));
        batch->line_count++;
        nw_ring_pop(ring);
    }
    return taken > 0;
}

static void free_handle(struct nw_log *log)
{
    nw_ring_free(log->ring);
    nw_text_done(&log->line);
    nw_text_done(&log->value);
    nw_free(log);
}

static void remove_handle(struct nw_log_hub *hub, struct nw_log *log)
{
    pthread_mutex_lock(&hub->mutex);
    size_t at = 0;
    while (hub->handles[at] != log)
        at++;
    memmove(&hub->handles[at], &hub->handles[at + 1],
            (hub->handle_count - at - 1) * sizeof(struct nw_log *));
    hub->handle_count--;
    hub->closed_drops += log->ring != NULL ? nw_ring_dropped(log->ring) : 0;
    pthread_mutex_unlock(&hub->mutex);
    free_handle(log);
}

static void reopen_sinks(struct nw_log_hub *hub)
{
    const struct nw_log_sink *sinks[] = {&hub->options.events, &hub->options.access};
    for (size_t i = 0; i < NW_COUNT(sinks); i++)
        if (sinks[i]->write != NULL && sinks[i]->reopen != NULL)
            sinks[i]->reopen(sinks[i]->owner);
}

/* One visit to every ring; true when anything was there. */
static bool drain(struct nw_log_hub *hub)
{
    bool did_work = false;
    __atomic_store_n(&hub->is_urgent, false, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&hub->must_reopen, false, __ATOMIC_ACQ_REL))
        reopen_sinks(hub);
    pthread_mutex_lock(&hub->mutex);
    size_t count = hub->handle_count;
    hub->visit = nw_realloc(hub->visit, count * sizeof(struct nw_log *));
    if (count != 0)
        memcpy(hub->visit, hub->handles, count * sizeof(struct nw_log *));
    pthread_mutex_unlock(&hub->mutex);
    for (size_t i = 0; i < count; i++) {
        struct nw_log *log = hub->visit[i];
        bool is_closed = __atomic_load_n(&log->is_closed, __ATOMIC_ACQUIRE);
        did_work |= drain_ring(hub, log->ring);
        if (is_closed && nw_ring_is_empty(log->ring))
            remove_handle(hub, log);
    }
    for (int to = 0; to < SINK_COUNT; to++)
        flush(hub, to);
    return did_work;
}

static bool has_reason_to_stay_awake(struct nw_log_hub *hub)
{
    if (__atomic_load_n(&hub->is_stopping, __ATOMIC_SEQ_CST) ||
        __atomic_load_n(&hub->must_reopen, __ATOMIC_SEQ_CST))
        return true;
    bool has_work = false;
    pthread_mutex_lock(&hub->mutex);
    for (size_t i = 0; i < hub->handle_count && !has_work; i++)
        has_work = !nw_ring_is_empty(hub->handles[i]->ring) ||
                   __atomic_load_n(&hub->handles[i]->is_closed, __ATOMIC_ACQUIRE);
    pthread_mutex_unlock(&hub->mutex);
    return has_work;
}

static void wait_for_wake(struct nw_log_hub *hub, int timeout_ms)
{
    struct pollfd ready = {.fd = hub->wake_fd, .events = POLLIN};
    uint64_t count;
    if (poll(&ready, 1, timeout_ms) == 1) {
        ssize_t ignored = read(hub->wake_fd, &count, sizeof count);
        (void)ignored;
    }
}

static void *writer(void *arg)
{
    struct nw_log_hub *hub = arg;
    int idle_rounds = 0;
    for (;;) {
        bool is_stopping = __atomic_load_n(&hub->is_stopping, __ATOMIC_SEQ_CST);
        if (drain(hub)) {
            idle_rounds = 0;
            continue;
        }
        if (is_stopping)
            return NULL;
        if (!hub->options.is_eager && idle_rounds++ < LINGER_ROUNDS) {
            wait_for_wake(hub, LINGER_MS);
            continue;
        }
        __atomic_store_n(&hub->is_asleep, true, __ATOMIC_SEQ_CST);
        if (!has_reason_to_stay_awake(hub))
            wait_for_wake(hub, -1);
        __atomic_store_n(&hub->is_asleep, false, __ATOMIC_SEQ_CST);
        idle_rounds = 0;
    }
}

struct nw_log_hub *nw_log_hub_new(const struct nw_log_options *options)
{
    NW_ASSERT(options->events.write != NULL && options->wall_ms != NULL);
    struct nw_log_hub *hub = nw_alloc_zero(sizeof *hub);
    hub->options = *options;
    if (hub->options.ring_bytes == 0)
        hub->options.ring_bytes = RING_BYTES;
    hub->level = (int)options->level;
    hub->wake_fd = options->is_direct ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&hub->mutex, NULL);
    return hub;
}

nw_err nw_log_hub_start(struct nw_log_hub *hub)
{
    if (hub->options.is_direct || hub->is_started)
        return NW_OK;
    sigset_t all, before;
    if (hub->wake_fd < 0)
        return NW_TOO_MANY_FILES;
    __atomic_store_n(&hub->is_stopping, false, __ATOMIC_SEQ_CST);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&hub->thread, NULL, writer, hub);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return NW_BUSY;
    pthread_setname_np(hub->thread, "newel-log");
    hub->is_started = true;
    return NW_OK;
}

void nw_log_hub_stop(struct nw_log_hub *hub)
{
    if (hub->options.is_direct)
        return;
    if (hub->is_started) {
        __atomic_store_n(&hub->is_stopping, true, __ATOMIC_SEQ_CST);
        wake(hub);
        pthread_join(hub->thread, NULL);
        hub->is_started = false;
    }
    while (drain(hub))
        ;
}

void nw_log_hub_free(struct nw_log_hub *hub)
{
    if (hub == NULL)
        return;
    nw_log_hub_stop(hub);
    for (size_t i = 0; i < hub->handle_count; i++)
        free_handle(hub->handles[i]);
    for (int to = 0; to < SINK_COUNT; to++)
        nw_text_done(&hub->batches[to].text);
    nw_free(hub->handles);
    nw_free(hub->visit);
    if (hub->wake_fd >= 0)
        close(hub->wake_fd);
    pthread_mutex_destroy(&hub->mutex);
    nw_free(hub);
}

void nw_log_hub_set_level(struct nw_log_hub *hub, nw_log_level level)
{
    __atomic_store_n(&hub->level, (int)level, __ATOMIC_RELAXED);
}

static void wake_if_asleep(struct nw_log_hub *hub)
{
    if (__atomic_load_n(&hub->is_asleep, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&hub->is_asleep, false, __ATOMIC_SEQ_CST))
        wake(hub);
}

void nw_log_hub_reopen(struct nw_log_hub *hub)
{
    if (!hub->is_started) {
        reopen_sinks(hub);
        return;
    }
    __atomic_store_n(&hub->must_reopen, true, __ATOMIC_SEQ_CST);
    wake_if_asleep(hub);
}

uint64_t nw_log_hub_dropped(struct nw_log_hub *hub)
{
    uint64_t total = __atomic_load_n(&hub->lost_count, __ATOMIC_RELAXED);
    pthread_mutex_lock(&hub->mutex);
    total += hub->closed_drops;
    for (size_t i = 0; i < hub->handle_count; i++)
        if (hub->handles[i]->ring != NULL)
            total += nw_ring_dropped(hub->handles[i]->ring);
    pthread_mutex_unlock(&hub->mutex);
    return total;
}

struct nw_log *nw_log_open(struct nw_log_hub *hub)
{
    struct nw_log *log = nw_alloc_zero(sizeof *log);
    log->hub = hub;
    log->ring = hub->options.is_direct ? NULL : nw_ring_new(hub->options.ring_bytes);
    pthread_mutex_lock(&hub->mutex);
    hub->handles = nw_realloc(hub->handles, (hub->handle_count + 1) * sizeof(struct nw_log *));
    hub->handles[hub->handle_count++] = log;
    pthread_mutex_unlock(&hub->mutex);
    return log;
}

void nw_log_close(struct nw_log *log)
{
    if (log == NULL)
        return;
    struct nw_log_hub *hub = log->hub;
    if (hub->options.is_direct) {
        remove_handle(hub, log);
        return;
    }
    /* Sequentially consistent like a line: the writer must not fall asleep over it. */
    __atomic_store_n(&log->is_closed, true, __ATOMIC_SEQ_CST);
    wake_if_asleep(hub);
}

/* After a record was published. */
static void tell_writer(struct nw_log *log)
{
    struct nw_log_hub *hub = log->hub;
    if (__atomic_load_n(&hub->is_asleep, __ATOMIC_SEQ_CST)) {
        wake_if_asleep(hub);
        return;
    }
    if (nw_ring_is_half_full(log->ring) &&
        !__atomic_load_n(&hub->is_urgent, __ATOMIC_RELAXED) &&
        !__atomic_exchange_n(&hub->is_urgent, true, __ATOMIC_RELAXED))
        wake(hub);
}

/* log->line holds 'E' and the line. */
static bool publish(struct nw_log *log)
{
    struct nw_slice record = nw_text_slice(&log->line);
    if (log->ring == NULL) {
        give(log->hub, TO_EVENTS, nw_slice_skip(record, 1), 1);
        return true;
    }
    if (!nw_ring_put(log->ring, record))
        return false;
    tell_writer(log);
    return true;
}

static bool format_and_publish(struct nw_log *log, nw_log_level level, const char *event,
                               const char *format, va_list args)
{
    const struct nw_log_options *options = &log->hub->options;
    struct nw_log_line line = {options->format, level, options->wall_ms(options->wall_ms_arg),
                               event};
    nw_text_clear(&log->line);
    nw_text_add_char(&log->line, 'E');
    nw_log_line_add(&log->line, &log->value, &line, format, args);
    return publish(log);
}

NW_PRINTF(4, 5)
static bool log_now(struct nw_log *log, nw_log_level level, const char *event, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    bool is_done = format_and_publish(log, level, event, format, args);
    va_end(args);
    return is_done;
}

/* Says how many lines were lost, once there is room to say it without losing that too. */
static void tell_drops(struct nw_log *log)
{
    uint64_t dropped = log->ring != NULL ? nw_ring_dropped(log->ring) : 0;
    uint64_t news = dropped - log->told_drops;
    if (news == 0 || nw_ring_is_half_full(log->ring))
        return;
    if (log_now(log, NW_WARN, "log.dropped", "lines=%llu", (unsigned long long)news))
        log->told_drops = dropped;
}

bool nw_log_is_on(const struct nw_log *log, nw_log_level level)
{
    return log != NULL && (int)level >= __atomic_load_n(&log->hub->level, __ATOMIC_RELAXED);
}

void nw_log(struct nw_log *log, nw_log_level level, const char *event, const char *format, ...)
{
    if (!nw_log_is_on(log, level))
        return;
    tell_drops(log);
    va_list args;
    va_start(args, format);
    format_and_publish(log, level, event, format, args);
    va_end(args);
}

char *nw_log_raw_reserve(struct nw_log *log, size_t max_bytes)
{
    if (log == NULL)
        return NULL;
    tell_drops(log);
    if (log->ring != NULL) {
        char *record = nw_ring_reserve(log->ring, max_bytes + 2);
        if (record == NULL)
            return NULL;
        record[0] = 'A';
        return record + 1;
    }
    if (log->value.cap_bytes < max_bytes + 2) {
        nw_text_done(&log->value);
        log->value.ptr = nw_alloc(max_bytes + 2);
        log->value.cap_bytes = max_bytes + 2;
    }
    return log->value.ptr;
}

void nw_log_raw_commit(struct nw_log *log, size_t bytes)
{
    if (log->ring == NULL) {
        log->value.ptr[bytes] = '\n';
        give(log->hub, TO_ACCESS, nw_slice_of(log->value.ptr, bytes + 1), 1);
        return;
    }
    char *line = nw_ring_reserved(log->ring) + 1;
    line[bytes] = '\n';
    nw_ring_commit(log->ring, bytes + 2);
    tell_writer(log);
}

void nw_log_raw(struct nw_log *log, struct nw_slice line)
{
    char *to = nw_log_raw_reserve(log, line.len);
    if (to == NULL)
        return;
    if (line.len != 0)
        memcpy(to, line.ptr, line.len);
    nw_log_raw_commit(log, line.len);
}
