/*
 * Requests: cut in two anywhere, or byte by byte, they get the verdict of the whole; what is
 * accepted holds no CR or LF inside its pieces, and what newel would write from it is accepted
 * again and means the same. Each piece lies in memory of its own size, so a read beyond the end is
 * caught.
 */
#include "../unit/proto/http1_verdict.h"
#include "proto/http1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nw_http1_limits limits = {4096, 256, 20};

static void assert_clean(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        NW_ASSERT(text.ptr[i] != '\r' && text.ptr[i] != '\n' && text.ptr[i] != '\0');
}

/* Writes the head anew as the gate does, reads it back, and compares what it says. */
static void assert_survives(const struct nw_http1_head *head, const char *bytes,
                            const struct nw_http1_message *message, const struct nw_target *target)
{
    char out[16384];
    struct nw_http1_writer writer;
    nw_http1_writer_init(&writer, out, sizeof out);
    nw_http1_write_request_line(&writer, nw_http1_method(head, bytes), target->path,
                                target->has_query, target->query);
    nw_http1_write_field(&writer, NW_SLICE("Host"),
                         target->authority.len != 0 ? target->authority : NW_SLICE("none"));
    nw_http1_write_kept(&writer, head, bytes, message, NULL);
    nw_http1_write_framing(&writer, message->framing, message->length_bytes);
    nw_http1_write_end(&writer);
    NW_ASSERT(!writer.is_full);
    struct nw_http1_limits wide = NW_HTTP1_LIMITS_DEFAULT;
    struct nw_http1_parser parser;
    struct nw_http1_head again;
    struct nw_http1_message second;
    nw_http1_class found;
    nw_http1_parser_init(&parser, false, &wide);
    NW_ASSERT(nw_http1_parse(&parser, nw_slice_of(out, writer.len), &again) == NW_OK);
    NW_ASSERT(again.head_bytes == writer.len);
    NW_ASSERT(nw_http1_request_judge(&again, out, &second, &found) == NW_OK);
    NW_ASSERT(second.framing == message->framing && second.length_bytes == message->length_bytes);
    NW_ASSERT(second.dropped.word[0] == 0 && second.dropped.word[1] == 0);
    struct nw_target same;
    char scratch[16384];
    NW_ASSERT(nw_target_parse(again.method, nw_http1_target(&again, out),
                              nw_http1_get(&again, out, NW_HTTP_FIELD_HOST), scratch, &same,
                              &found) == NW_OK);
    NW_ASSERT(nw_slice_eq(same.path, target->path) && !same.is_path_changed);
    NW_ASSERT(nw_slice_eq(same.query, target->query));
    NW_ASSERT(target->host.len == 0 || nw_slice_eq(same.host, target->host));
}

static void look_inside(struct nw_slice input)
{
    struct nw_http1_parser parser;
    struct nw_http1_head head;
    struct nw_http1_message message = {0};
    nw_http1_class found;
    nw_http1_parser_init(&parser, false, &limits);
    if (nw_http1_parse(&parser, input, &head) != NW_OK)
        return;
    assert_clean(nw_http1_method(&head, input.ptr));
    assert_clean(nw_http1_target(&head, input.ptr));
    for (uint32_t i = 0; i < head.field_count; i++) {
        assert_clean(nw_http1_name(&head, input.ptr, i));
        assert_clean(nw_http1_value(&head, input.ptr, i));
        NW_ASSERT(nw_http_is_token(nw_http1_name(&head, input.ptr, i)));
        NW_ASSERT(nw_http1_is_value(nw_http1_value(&head, input.ptr, i)));
    }
    if (nw_http1_request_judge(&head, input.ptr, &message, &found) != NW_OK)
        return;
    char scratch[8192];
    struct nw_target target;
    if (nw_target_parse(head.method, nw_http1_target(&head, input.ptr),
                        nw_http1_get(&head, input.ptr, NW_HTTP_FIELD_HOST), scratch, &target,
                        &found) == NW_OK)
        assert_survives(&head, input.ptr, &message, &target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    /* The first two bytes say where to cut. */
    size_t cut = (size_t)data[0] << 8 | data[1];
    struct nw_slice input = nw_slice_of((const char *)data + 2, size - 2);
    struct verdict_how how = {.limits = limits, .first = input.len};
    struct verdict whole = verdict_of(&how, input);
    how.first = input.len != 0 ? 1 + cut % input.len : 1;
    struct verdict halves = verdict_of(&how, input);
    NW_ASSERT(verdict_same(&whole, &halves));
    if (input.len < 512) {
        how.first = 0;
        struct verdict bytes = verdict_of(&how, input);
        NW_ASSERT(verdict_same(&whole, &bytes));
    }
    look_inside(input);
    return 0;
}
