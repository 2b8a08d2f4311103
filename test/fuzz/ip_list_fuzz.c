/*
 * Lists of networks as they stand in files: the mistakes that are told are the lines that a plain
 * reading refuses, and the ranges have an address exactly when a scan of all lines finds it. Asked
 * are the ends of every network, their neighbours, and 16 bytes of the input.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "conf/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scan {
    struct nw_cidr *networks;
    size_t count;
    size_t mistakes;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* The plain reading: byte by byte, without the helpers that the reader under test uses. */
static void scan_line(struct scan *scan, const char *at, const char *end)
{
    const char *stop = at;
    while (stop < end && *stop != '#')
        stop++;
    if (stop > at && stop[-1] == '\r')
        stop--;
    while (at < stop && is_blank(*at))
        at++;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    if (at == stop)
        return;
    struct nw_slice text = nw_slice_of(at, (size_t)(stop - at));
    if (nw_cidr_parse(text, &scan->networks[scan->count]) == NW_OK)
        scan->count++;
    else
        scan->mistakes++;
}

static void scan_all(struct scan *scan, const char *at, const char *end)
{
    scan->networks = malloc((size_t)(end - at + 1) * sizeof *scan->networks);
    NW_ASSERT(scan->networks != NULL);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        scan_line(scan, at, stop != NULL ? stop : end);
        at = stop != NULL ? stop + 1 : end;
    }
}

static void ask(const struct scan *scan, const struct nw_ip_ranges *ranges, const uint8_t *bytes,
                size_t length)
{
    struct nw_ip ip = nw_ip_of_bytes(bytes, length);
    NW_ASSERT(nw_ip_ranges_have(ranges, &ip) == nw_cidr_any(scan->networks, scan->count, &ip));
}

/* One more or one less, as a number. */
static void step(uint8_t *bytes, size_t length, int by)
{
    for (size_t i = length; i-- > 0;) {
        bytes[i] = (uint8_t)(bytes[i] + by);
        if (bytes[i] != (by > 0 ? 0x00 : 0xff))
            return;
    }
}

static void ask_around(const struct scan *scan, const struct nw_ip_ranges *ranges,
                       const struct nw_cidr *network)
{
    uint8_t bytes[16];
    size_t length = network->base.is_v6 ? 16 : 4;
    memcpy(bytes, network->base.bytes, sizeof bytes);
    ask(scan, ranges, bytes, length);
    step(bytes, length, -1);
    ask(scan, ranges, bytes, length);
    memcpy(bytes, network->base.bytes, sizeof bytes);
    for (size_t bit = network->prefix_bits; bit < length * 8; bit++)
        bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    ask(scan, ranges, bytes, length);
    step(bytes, length, 1);
    ask(scan, ranges, bytes, length);
}

static size_t read_list(struct nw_arena *arena, struct nw_slice text,
                        const struct nw_ip_ranges **out_ranges, size_t *out_count)
{
    struct nw_diag diag;
    struct nw_cidr *networks;
    nw_diag_init(&diag);
    struct nw_conf_reader reader = {.file = "f", .arena = arena, .diag = &diag};
    nw_conf_networks_lines(&reader, text, "list", &networks, out_count);
    size_t mistakes = diag.error_count + reader.unshown_count;
    for (size_t i = 0; i < diag.count; i++)
        NW_ASSERT(diag.items[i].line >= 1 && diag.items[i].column >= 1);
    *out_ranges = nw_ip_ranges_new(networks, *out_count, arena);
    free(networks);
    nw_diag_done(&diag);
    return mistakes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scan scan = {0};
    struct nw_arena arena;
    const struct nw_ip_ranges *ranges;
    size_t count;
    char *copy = malloc(size != 0 ? size : 1);
    NW_ASSERT(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    nw_arena_init(&arena, NULL, 0, (size_t)64 << 20);
    scan_all(&scan, copy, copy + size);
    size_t mistakes = read_list(&arena, nw_slice_of(copy, size), &ranges, &count);
    NW_ASSERT(mistakes == scan.mistakes && count == scan.count);
    for (size_t i = 0; i < scan.count && i < 64; i++)
        ask_around(&scan, ranges, &scan.networks[i]);
    for (size_t at = 0; at + 16 <= size && at < 64; at += 16) {
        ask(&scan, ranges, data + at, 16);
        ask(&scan, ranges, data + at, 4);
    }
    nw_arena_done(&arena);
    free(scan.networks);
    free(copy);
    return 0;
}
