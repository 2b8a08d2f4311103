/*
 * The scripts must not share newel's parser, or a mistake in it would be made on both sides and
 * agree with itself. So this is the plainest reader there can be: a line at a time, a byte at a
 * time.
 */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

void talk_init(struct talk *talk)
{
    talk->start = talk->end = 0;
}

void talk_done(struct talk *talk)
{
    nw_stream_close(&talk->stream);
}

nw_err talk_send(struct talk *talk, struct nw_slice bytes)
{
    struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
    return nw_io_write_all(&talk->stream, &iov, 1);
}

/* NW_PEER_CLOSED at the end. */
static nw_err fill(struct talk *talk)
{
    if (talk->start < talk->end)
        return NW_OK;
    size_t got = 0;
    NW_TRY(nw_io_read_into(&talk->stream, talk->bytes, sizeof talk->bytes, &got));
    talk->start = 0;
    talk->end = got;
    return got > 0 ? NW_OK : NW_PEER_CLOSED;
}

static nw_err read_line(struct talk *talk, char *out, size_t size)
{
    size_t count = 0;
    for (;;) {
        NW_TRY(fill(talk));
        char byte = talk->bytes[talk->start++];
        if (byte == '\n')
            break;
        if (count + 1 == size)
            return NW_BAD_MESSAGE;
        out[count++] = byte;
    }
    if (count == 0 || out[count - 1] != '\r')
        return NW_BAD_MESSAGE;
    out[count - 1] = '\0';
    return NW_OK;
}

static bool has_name(const char *line, const char *name, const char **out_value)
{
    size_t count = strlen(name);
    if (strncasecmp(line, name, count) != 0 || line[count] != ':')
        return false;
    *out_value = line + count + 1;
    while (**out_value == ' ')
        (*out_value)++;
    return true;
}

static void take_field(struct talk_head *head, const char *line)
{
    const char *value;
    if (has_name(line, "content-length", &value))
        head->length = strtoll(value, NULL, 10);
    else if (has_name(line, "transfer-encoding", &value))
        head->is_chunked = strcasecmp(value, "chunked") == 0;
    else if (has_name(line, "connection", &value))
        head->is_last = strcasecmp(value, "close") == 0;
    else if (has_name(line, "x-id", &value))
        head->id = strtoull(value, NULL, 10);
}

static nw_err take_first(struct talk_head *head, const char *line)
{
    if (strncmp(line, "HTTP/1.1 ", 9) == 0) {
        head->status = atoi(line + 9);
        return head->status >= 100 && head->status < 600 ? NW_OK : NW_BAD_MESSAGE;
    }
    return sscanf(line, "%15[A-Z] %255s HTTP/1.1", head->method, head->target) == 2
               ? NW_OK
               : NW_BAD_MESSAGE;
}

nw_err talk_head(struct talk *talk, struct talk_head *out)
{
    char line[1024];
    *out = (struct talk_head){.length = -1, .id = UINT64_MAX};
    NW_TRY(fill(talk));
    nw_err err = read_line(talk, line, sizeof line);
    if (err == NW_OK)
        err = take_first(out, line);
    while (err == NW_OK && line[0] != '\0') {
        err = read_line(talk, line, sizeof line);
        if (err == NW_OK)
            take_field(out, line);
    }
    return err == NW_PEER_CLOSED ? NW_PEER_RESET : err; /* cut in its middle */
}

static nw_err take_bytes(struct talk *talk, uint64_t count, talk_sink sink, void *arg)
{
    while (count > 0) {
        NW_TRY(fill(talk));
        size_t part = talk->end - talk->start;
        if (part > count)
            part = (size_t)count;
        if (!sink(arg, talk->bytes + talk->start, part))
            return NW_INVALID;
        talk->start += part;
        count -= part;
    }
    return NW_OK;
}

nw_err talk_body(struct talk *talk, const struct talk_head *head, talk_sink sink, void *arg)
{
    char line[1024];
    if (!head->is_chunked)
        return head->length > 0 ? take_bytes(talk, (uint64_t)head->length, sink, arg) : NW_OK;
    for (;;) {
        NW_TRY(read_line(talk, line, sizeof line));
        char *end;
        uint64_t count = strtoull(line, &end, 16);
        if (end == line)
            return NW_BAD_MESSAGE;
        if (count > 0)
            NW_TRY(take_bytes(talk, count, sink, arg));
        NW_TRY(read_line(talk, line, sizeof line)); /* behind the chunk; no trailers are sent */
        if (line[0] != '\0')
            return NW_BAD_MESSAGE;
        if (count == 0)
            return NW_OK;
    }
}

/* ---- what belongs to a number ---- */

static uint64_t mix(uint64_t id, char side)
{
    uint64_t x = id * 0x9e3779b97f4a7c15ull + (uint64_t)side;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

size_t talk_size(uint64_t id, char side)
{
    uint64_t x = mix(id, side);
    if (x % 100 < 2)
        return (x >> 8) % 200000;
    return (x >> 8) % 1500;
}

void talk_fill(uint64_t id, char side, size_t at, char *out, size_t count)
{
    uint64_t x = mix(id, side);
    for (size_t i = 0; i < count; i++) {
        size_t n = at + i;
        out[i] = (char)('a' + (x >> (n % 8 * 8)) % 26 % 20 + (n >> 3) % 6);
    }
}

bool talk_is_right(uint64_t id, char side, size_t at, const char *bytes, size_t count)
{
    char right[512];
    for (size_t done = 0; done < count;) {
        size_t part = count - done < sizeof right ? count - done : sizeof right;
        talk_fill(id, side, at + done, right, part);
        if (memcmp(right, bytes + done, part) != 0)
            return false;
        done += part;
    }
    return true;
}
