/*
 * http1.h - the strict reading of an HTTP/1 head, and what it says about the message.
 *
 * RFC 9110 and 9112, read so that no two readers can disagree: whatever is ambiguous is refused,
 * with a class from http1_class.def. Two steps: nw_http1_parse finds the pieces of a head that
 * arrives in any number of parts, nw_http1_*_judge decides once how the body is framed, which
 * fields end here, and whether the connection lives on.
 *
 * Nothing is copied: pieces are 32-bit offsets into the head, so the bytes may move between calls.
 *
 * Owner:   nothing here allocates; bytes are borrowed for the call
 * Threads: stateless, one parser at a time
 */
#ifndef NW_PROTO_HTTP1_H
#define NW_PROTO_HTTP1_H

#include "base/slice.h"
#include "proto/http_words.h"

typedef enum nw_http1_class {
    NW_HTTP1_FINE = 0,
#define NW_HTTP1_CLASS(name, status, sentence) NW_HTTP1_##name,
#include "proto/http1_class.def"
#undef NW_HTTP1_CLASS
    NW_HTTP1_CLASS_COUNT
} nw_http1_class;

/* "BARE_LF"; "FINE". */
const char *nw_http1_class_name(nw_http1_class found);
/* A sentence without a full stop. */
const char *nw_http1_class_sentence(nw_http1_class found);
/* The status that answers a request of this class; 200 for NW_HTTP1_FINE. */
int nw_http1_class_status(nw_http1_class found);
/* The same as an nw_err; NW_BAD_MESSAGE where a node sent it. */
nw_err nw_http1_class_err(nw_http1_class found, bool is_response);

#define NW_HTTP1_FIELDS_MAX 100
#define NW_HTTP1_HEAD_MAX_BYTES 65535

struct nw_http1_limits {
    uint32_t head_bytes; /* at most NW_HTTP1_HEAD_MAX_BYTES */
    uint32_t target_bytes;
    uint32_t field_count; /* at most NW_HTTP1_FIELDS_MAX */
};
#define NW_HTTP1_LIMITS_DEFAULT ((struct nw_http1_limits){32768, 8192, NW_HTTP1_FIELDS_MAX})

struct nw_http1_field {
    uint32_t name_off;
    uint32_t value_off; /* without the white space around it */
    uint32_t value_len;
    uint16_t name_len;
    uint16_t id; /* nw_http_field */
};

/* The bit of a name's first letter, in either case, in `other_initials`. */
static inline uint32_t nw_http1_initial(char letter)
{
    return UINT32_C(1) << (letter & 31);
}

/* Valid once nw_http1_parse said NW_OK. Offsets count from the first byte of the head. */
struct nw_http1_head {
    bool is_response;
    uint8_t version_minor; /* 0 or 1 */
    uint16_t status;       /* of a response */
    nw_http_method method; /* of a request */
    uint32_t method_len;   /* the method stands at offset 0 */
    uint32_t target_off;
    uint32_t target_len;
    uint32_t reason_off;
    uint32_t reason_len;
    uint32_t head_bytes; /* with the empty line; what follows is body or the next message */
    uint32_t field_count;
    bool has_odd_fields;  /* one does not stand there as "Name: value CRLF" */
    uint32_t other_initials; /* of names without an id: nw_http1_initial */
    uint64_t present;                   /* bit id: at least one such field; bit 0 is never set */
    uint64_t repeated;                  /* bit id: more than one; bit 0 says nothing */
    uint8_t first[NW_HTTP_FIELD_COUNT]; /* index of the first one; valid where `present` is set */
    struct nw_http1_field fields[NW_HTTP1_FIELDS_MAX];
};

struct nw_http1_parser {
    struct nw_http1_limits limits;
    uint32_t at;    /* bytes before it were read for good */
    uint32_t start; /* of the piece being read */
    uint8_t phase;
    bool is_response;
    nw_http1_class found; /* why it failed; NW_HTTP1_FINE until then */
};

void nw_http1_parser_init(struct nw_http1_parser *parser, bool is_response,
                          const struct nw_http1_limits *limits);

/*
 * `bytes` is everything of this head that arrived so far, from its first byte; it may be at another
 * address each time, but never shorter. NW_AGAIN asks for more. An error says why in parser->found,
 * and the connection is worth nothing any more. The verdict does not depend on how the bytes were
 * cut. The same head must be given each time; it need not be zeroed.
 */
NW_MUST_CHECK nw_err nw_http1_parse(struct nw_http1_parser *parser, struct nw_slice bytes,
                                    struct nw_http1_head *head);

/* Pieces of a head; `bytes` is the start of the buffer that was parsed, wherever it is now. */
static inline struct nw_slice nw_http1_method(const struct nw_http1_head *head, const char *bytes)
{
    return nw_slice_of(bytes, head->method_len);
}
static inline struct nw_slice nw_http1_target(const struct nw_http1_head *head, const char *bytes)
{
    return nw_slice_of(bytes + head->target_off, head->target_len);
}
static inline struct nw_slice nw_http1_reason(const struct nw_http1_head *head, const char *bytes)
{
    return nw_slice_of(bytes + head->reason_off, head->reason_len);
}
static inline struct nw_slice nw_http1_name(const struct nw_http1_head *head, const char *bytes,
                                            uint32_t index)
{
    return nw_slice_of(bytes + head->fields[index].name_off, head->fields[index].name_len);
}
static inline struct nw_slice nw_http1_value(const struct nw_http1_head *head, const char *bytes,
                                             uint32_t index)
{
    return nw_slice_of(bytes + head->fields[index].value_off, head->fields[index].value_len);
}
static inline bool nw_http1_has(const struct nw_http1_head *head, nw_http_field id)
{
    return (head->present >> id) & 1;
}
/* The value of the first field with this id; a NULL slice when there is none. */
static inline struct nw_slice nw_http1_get(const struct nw_http1_head *head, const char *bytes,
                                           nw_http_field id)
{
    return nw_http1_has(head, id) ? nw_http1_value(head, bytes, head->first[id])
                                  : nw_slice_of(NULL, 0);
}
/* The index of the first field from `from` on whose name is `name`, case aside; -1 for none. */
int nw_http1_find(const struct nw_http1_head *head, const char *bytes, struct nw_slice name,
                  uint32_t from);

/* A set of indices into fields[]. */
struct nw_http1_set {
    uint64_t word[2];
};
static inline void nw_http1_set_add(struct nw_http1_set *set, uint32_t index)
{
    set->word[index >> 6] |= UINT64_C(1) << (index & 63);
}
static inline bool nw_http1_set_has(const struct nw_http1_set *set, uint32_t index)
{
    return (set->word[index >> 6] >> (index & 63)) & 1;
}

typedef enum nw_http1_framing {
    NW_HTTP1_BODY_NONE,        /* nothing follows the head */
    NW_HTTP1_BODY_LENGTH,      /* length_bytes follow, at least one */
    NW_HTTP1_BODY_CHUNKED,     /* http1_chunked.h reads it */
    NW_HTTP1_BODY_UNTIL_CLOSE, /* responses only */
    NW_HTTP1_BODY_TUNNEL       /* after 101: both sides speak something else */
} nw_http1_framing;

/* What a head says; decided once, and re-emitted from here, never copied through. */
struct nw_http1_message {
    nw_http1_framing framing;
    bool has_length;             /* a Content-Length stood there, also where no body follows */
    bool keep_alive;             /* may the connection carry another message after this one? */
    bool expect_continue;        /* an HTTP/1.1 request waits for 100 before its body */
    bool upgrade_websocket;      /* asked for, or by a 101 agreed to */
    bool is_informational;       /* 1xx but 101: another head follows */
    int32_t keep_alive_s;        /* Keep-Alive: timeout=N of a response; -1 when silent */
    uint64_t length_bytes;       /* valid with has_length */
    struct nw_http1_set dropped; /* ends at newel: hop-by-hop; from clients also Newel-* */
    struct nw_http1_set framed;  /* Host, Content-Length, Transfer-Encoding: written anew */
    struct nw_http1_set newel;   /* Newel-*, whoever sent it */
};

/* How the request was made that a response answers. */
struct nw_http1_asked {
    nw_http_method method;
    bool upgrade_websocket; /* the request that went out asked for it */
};

/*
 * Judges a parsed request, without its target (target.h). On an error *out_found says why and
 * *out is untouched. Host is checked here to be there once and valid.
 */
NW_MUST_CHECK nw_err nw_http1_request_judge(const struct nw_http1_head *head, const char *bytes,
                                            struct nw_http1_message *out,
                                            nw_http1_class *out_found);
/* Judges a parsed response; every error is NW_BAD_MESSAGE. */
NW_MUST_CHECK nw_err nw_http1_response_judge(const struct nw_http1_head *head, const char *bytes,
                                             const struct nw_http1_asked *asked,
                                             struct nw_http1_message *out,
                                             nw_http1_class *out_found);

#endif
