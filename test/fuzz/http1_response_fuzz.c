/*
 * Responses, under any question: cut in two anywhere, or byte by byte, they get the verdict of the
 * whole; a body follows exactly where RFC 9112 6.3 says so.
 */
#include "../unit/proto/http1_verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_inside(const struct verdict_how *how, struct nw_slice input)
{
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message;
    nw_http1_class found;
    nw_http1_parser_init(&parser, true, &how->limits);
    if (nw_http1_parse(&parser, input, &head) != NW_OK)
        return;
    NW_ASSERT(memcmp(input.ptr + head.head_bytes - 4, "\r\n\r\n", 4) == 0);
    struct nw_slice text = nw_slice_of(input.ptr, head.head_bytes);
    for (size_t i = 0; i < text.len; i++) {
        NW_ASSERT(text.ptr[i] != '\n' || (i > 0 && text.ptr[i - 1] == '\r'));
        NW_ASSERT(text.ptr[i] != '\r' || text.ptr[i + 1] == '\n');
    }
    if (nw_http1_response_judge(&head, input.ptr, &how->asked, &message, &found) != NW_OK)
        return;
    bool has_no_body = head.status < 200 || head.status == 204 || head.status == 304 ||
                       how->asked.method == NW_HTTP_HEAD;
    if (head.status == 101)
        NW_ASSERT(message.framing == NW_HTTP1_BODY_TUNNEL);
    else if (has_no_body)
        NW_ASSERT(message.framing == NW_HTTP1_BODY_NONE);
    else if (message.has_length)
        NW_ASSERT(message.framing ==
                  (message.length_bytes != 0 ? NW_HTTP1_BODY_LENGTH : NW_HTTP1_BODY_NONE));
    NW_ASSERT(!message.keep_alive || message.framing != NW_HTTP1_BODY_UNTIL_CLOSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t cut = (size_t)data[0] << 8 | data[1];
    struct nw_slice input = nw_slice_of((const char *)data + 3, size - 3);
    struct verdict_how how = {
        .is_response = true,
        .asked = {(data[2] & 1) != 0 ? NW_HTTP_HEAD : NW_HTTP_GET, (data[2] & 2) != 0},
        .limits = {4096, 256, 20},
        .first = input.len,
    };
    struct verdict whole = verdict_of(&how, input);
    how.first = input.len != 0 ? 1 + cut % input.len : 1;
    struct verdict halves = verdict_of(&how, input);
    NW_ASSERT(verdict_same(&whole, &halves));
    if (input.len < 512) {
        how.first = 0;
        struct verdict bytes = verdict_of(&how, input);
        NW_ASSERT(verdict_same(&whole, &bytes));
    }
    look_inside(&how, input);
    return 0;
}
