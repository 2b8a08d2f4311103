/*
 * A scripted client: one request after the other on a connection that it keeps, each with a number
 * of its own. It takes error pages and broken connections as they come, and counts them; but a 200
 * must be the number's own answer, byte for byte, whatever happened around it.
 */
#include "actors.h"
#include "io/clock.h"
#include "talk.h"

struct call {
    struct world_client *client;
    struct talk talk;
    bool is_open;
    uint64_t id;
    size_t at;
    bool is_page; /* newel's own words: any body will do */
};

static void wrong(struct call *call, const char *what)
{
    world_violation(call->client->world, "%s: request %llu: %s", call->client->name,
                    (unsigned long long)call->id, what);
}

static bool check_body(void *arg, const char *bytes, size_t count)
{
    struct call *call = arg;
    if (call->is_page)
        return true;
    if (!talk_is_right(call->id, 'a', call->at, bytes, count)) {
        wrong(call, "the answer's body belongs to something else");
        return false;
    }
    call->at += count;
    return true;
}

static void add_body(uint64_t id, bool is_chunked, struct nw_text *out)
{
    size_t all = talk_size(id, 'q');
    char bytes[1024];
    for (size_t at = 0; at < all;) {
        size_t count = all - at < sizeof bytes ? all - at : sizeof bytes;
        talk_fill(id, 'q', at, bytes, count);
        if (is_chunked)
            nw_text_addf(out, "%zx\r\n", count);
        nw_text_add(out, nw_slice_of(bytes, count));
        if (is_chunked)
            nw_text_add_str(out, "\r\n");
        at += count;
    }
    if (is_chunked)
        nw_text_add_str(out, "0\r\n\r\n");
}

static nw_err send_request(struct call *call)
{
    struct world_client *client = call->client;
    bool is_post = world_is_post(call->id) && !client->habit.only_get;
    struct nw_text text = {0};
    nw_text_addf(&text, "%s /r/%llu HTTP/1.1\r\nHost: shop.example\r\n", is_post ? "POST" : "GET",
                 (unsigned long long)call->id);
    if (client->habit.says_close)
        nw_text_add_str(&text, "Connection: close\r\n");
    if (is_post && world_is_chunked(call->id, 'q'))
        nw_text_add_str(&text, "Transfer-Encoding: chunked\r\n");
    else if (is_post)
        nw_text_addf(&text, "Content-Length: %zu\r\n", talk_size(call->id, 'q'));
    nw_text_add_str(&text, "\r\n");
    if (is_post)
        add_body(call->id, world_is_chunked(call->id, 'q'), &text);
    nw_err err = talk_send(&call->talk, nw_text_slice(&text));
    nw_text_done(&text);
    return err;
}

static nw_err read_answer(struct call *call, int *out_status, bool *out_is_last)
{
    struct talk_head head;
    NW_TRY(talk_head(&call->talk, &head));
    call->at = 0;
    call->is_page = head.status != 200;
    if (!call->is_page && head.id != call->id)
        wrong(call, "the answer's head belongs to something else");
    NW_TRY(talk_body(&call->talk, &head, check_body, call));
    if (!call->is_page && call->at != talk_size(call->id, 'a'))
        wrong(call, "the answer is cut but whole");
    *out_status = head.status;
    *out_is_last = head.is_last;
    return NW_OK;
}

static nw_err connect_if_need_be(struct call *call)
{
    struct world_client *client = call->client;
    struct nw_addr addr;
    if (call->is_open)
        return NW_OK;
    NW_TRY(nw_addr_parse(nw_slice_str(client->habit.address), &addr));
    NW_TRY(nw_io_connect(&addr, &call->talk.stream));
    talk_init(&call->talk);
    call->is_open = true;
    client->world->stats.connections++;
    return NW_OK;
}

static void hang_up(struct call *call)
{
    if (call->is_open)
        talk_done(&call->talk);
    call->is_open = false;
}

/* One request and what became of it. */
static void one_request(struct call *call)
{
    struct world_client *client = call->client;
    struct world_stats *stats = &client->world->stats;
    bool aborts = nw_rng_chance(&client->rng, client->habit.aborts);
    int status = 0;
    bool is_last = false;
    NW_WITHIN(patience, aborts ? 1 + nw_rng_below(&client->rng, 5) : client->habit.patience_ms);
    nw_err err = connect_if_need_be(call);
    if (err == NW_OK)
        err = send_request(call);
    if (err == NW_OK || (call->is_open && err == NW_PEER_RESET)) /* an early answer may be there */
        err = read_answer(call, &status, &is_last);
    if (err == NW_OK) {
        stats->status[status]++;
        stats->ok += status == 200;
        stats->refused += status != 200;
        if (is_last || client->habit.says_close)
            hang_up(call);
        return;
    }
    if (err == NW_BAD_MESSAGE)
        wrong(call, "the answer is nonsense");
    stats->aborted += aborts;
    stats->broken += !aborts;
    hang_up(call);
}

void world_client_main(void *arg)
{
    struct world_client *client = arg;
    struct world *world = client->world;
    struct call call = {.client = client};
    while (client->done < client->habit.requests && world->violation[0] == '\0') {
        if (client->habit.think_us > 0) {
            double us = nw_rng_exponential(&client->rng, (double)client->habit.think_us);
            if (nw_sleep_until_ns(nw_io_now_ns() + (uint64_t)(us * 1000)) != NW_OK)
                break;
        }
        if (nw_fiber_is_cancelled())
            break;
        call.id = world->next_id++;
        one_request(&call);
        client->done++;
    }
    hang_up(&call);
    client->is_over = true;
}
