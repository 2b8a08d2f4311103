/* A process that writes one endless line costs us one kilobyte, not its line. */
#include "fleet/lines.h"

static void give(struct nw_fleet_lines *lines, unsigned len,
                 void (*line)(void *arg, struct nw_slice text), void *arg)
{
    unsigned text_len = len;
    if (text_len > 0 && lines->bytes[text_len - 1] == '\r')
        text_len--;
    if (text_len > 0)
        line(arg, nw_slice_of(lines->bytes, text_len));
    memmove(lines->bytes, lines->bytes + len, lines->len - len);
    lines->len -= len;
}

/* Where a full buffer may be cut: not inside a character, unless it is nothing but such insides. */
static unsigned cut_at(const struct nw_fleet_lines *lines)
{
    unsigned at = lines->len;
    while (at > lines->len - 4 && ((unsigned char)lines->bytes[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == lines->len - 4)
        return lines->len;
    unsigned char lead = (unsigned char)lines->bytes[at - 1];
    unsigned wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return at - 1 + wanted <= lines->len ? lines->len : at - 1;
}

void nw_fleet_lines_feed(struct nw_fleet_lines *lines, struct nw_slice bytes,
                         void (*line)(void *arg, struct nw_slice text), void *arg)
{
    while (bytes.len > 0) {
        size_t end = nw_slice_find(bytes, '\n'), room = sizeof lines->bytes - lines->len;
        size_t take = end < room ? end : room;
        memcpy(lines->bytes + lines->len, bytes.ptr, take);
        lines->len += (unsigned)take;
        bytes = nw_slice_skip(bytes, take);
        if (bytes.len > 0 && bytes.ptr[0] == '\n') {
            give(lines, lines->len, line, arg);
            bytes = nw_slice_skip(bytes, 1);
        } else if (lines->len == sizeof lines->bytes) {
            give(lines, cut_at(lines), line, arg);
        }
    }
}

void nw_fleet_lines_flush(struct nw_fleet_lines *lines,
                          void (*line)(void *arg, struct nw_slice text), void *arg)
{
    if (lines->len > 0)
        give(lines, lines->len, line, arg);
}
