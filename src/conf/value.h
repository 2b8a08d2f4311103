/*
 * value.h - what a scalar in the file can mean: durations, sizes, addresses, paths.
 *
 * Each parser judges one text. On failure it returns NW_INVALID and a sentence in *why (static or
 * in the arena) that says what was expected; *hint may hold a better spelling, else it is NULL.
 *
 * Owner:   results point into the arena, or into the input where a function says so
 * Threads: stateless
 */
#ifndef NW_CONF_VALUE_H
#define NW_CONF_VALUE_H

#include "base/arena.h"
#include "base/cidr.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/text.h"

/* Why a value was refused, for a person. */
struct nw_conf_why {
    const char *sentence;
    const char *hint; /* NULL when there is none */
};

typedef enum nw_conf_address_kind {
    NW_CONF_ADDRESS_NONE, /* not given */
    NW_CONF_ADDRESS_IPV4,
    NW_CONF_ADDRESS_IPV6,
    NW_CONF_ADDRESS_NAME, /* a host name, resolved when needed */
    NW_CONF_ADDRESS_UNIX,
} nw_conf_address_kind;

struct nw_conf_address {
    nw_conf_address_kind kind;
    struct nw_slice text; /* canonical: lower case, "[v6]:port", "unix:/path"; zero-terminated */
    struct nw_slice host; /* without brackets; empty for unix; zero-terminated */
    struct nw_slice path; /* unix only; zero-terminated */
    uint16_t port;        /* 0 for unix */
};

/* A part of something measured at start ("45%", "1/8"), or a fixed number. */
struct nw_conf_share {
    double ratio;  /* 0 when `value` rules */
    int64_t value; /* count or bytes */
};

struct nw_conf_tree;

/* A number to compute with, in base units, and how far it may be off: low <= value <= high. */
struct nw_conf_quantity {
    double value; /* 0 where a word stands */
    double low;
    double high;
    unsigned word;                 /* 1: the first of the option's words instead; 0: a number */
    const struct nw_conf_tree *at; /* where it was given; NULL: it is the default */
};

/* Pairs such as [2, 3490/s], in file order. */
struct nw_conf_point {
    double x;
    double y;
    const struct nw_conf_tree *at;
};
struct nw_conf_points {
    struct nw_conf_point *items;
    size_t count;
};

typedef enum nw_conf_path_kind {
    NW_CONF_PATH_ANY, /* no path test */
    NW_CONF_PATH_SEGMENTS,
    NW_CONF_PATH_REGEX,
} nw_conf_path_kind;

typedef enum nw_conf_segment_kind {
    NW_CONF_SEGMENT_LITERAL, /* text, normalised as request paths are */
    NW_CONF_SEGMENT_ONE,     /* {name}: one whole, non-empty segment */
    NW_CONF_SEGMENT_REST,    /* {name...}: everything that is left; always last */
} nw_conf_segment_kind;

struct nw_conf_segment {
    nw_conf_segment_kind kind;
    struct nw_slice text; /* the literal, or the capture's name */
};

/* "/a/b" is [a, b]; "/a/" is [a] and a prefix; "/" is [] and a prefix; "/a//b" is [a, "", b]. */
struct nw_conf_path {
    nw_conf_path_kind kind;
    struct nw_slice text; /* as written (the regex without "~ "); zero-terminated */
    struct nw_conf_segment *segments;
    size_t segment_count;
    bool is_prefix;
};

/* "500ms 2s 5m 1h 7d"; a bare 0 is 0. */
NW_MUST_CHECK nw_err nw_conf_value_duration(struct nw_slice text, int64_t *out_ms,
                                            struct nw_conf_why *why);
/* "64K 256M 1T" powers of two, "KB MB GB TB" decimal, or bytes. */
NW_MUST_CHECK nw_err nw_conf_value_size(struct nw_slice text, int64_t *out_bytes,
                                        struct nw_conf_why *why);
/* "10K 1M 2G" decimal. */
NW_MUST_CHECK nw_err nw_conf_value_count(struct nw_slice text, int64_t *out,
                                         struct nw_conf_why *why);
/* A whole number, "-" allowed. */
NW_MUST_CHECK nw_err nw_conf_value_int(struct nw_slice text, int64_t *out, struct nw_conf_why *why);
/* "1.5": digits with at most one point. */
NW_MUST_CHECK nw_err nw_conf_value_number(struct nw_slice text, double *out,
                                          struct nw_conf_why *why);
/* "1K/s": bytes each second. */
NW_MUST_CHECK nw_err nw_conf_value_byte_rate(struct nw_slice text, int64_t *out_bytes_per_s,
                                             struct nw_conf_why *why);
/* "5%" is 0.05; 0% to 100%. */
NW_MUST_CHECK nw_err nw_conf_value_percent(struct nw_slice text, double *out_ratio,
                                           struct nw_conf_why *why);
/* "true" or "false". */
NW_MUST_CHECK nw_err nw_conf_value_bool(struct nw_slice text, bool *out, struct nw_conf_why *why);
/*
 * Numbers to compute with, in base units. All take a sign, fractions and exponents ("-1", "0.5",
 * "5e-7"), so that a number outside its option's bounds can be told so; NaN and infinity are no
 * numbers, and what no double holds is refused.
 */
NW_MUST_CHECK nw_err nw_conf_value_real(struct nw_slice text, double *out, struct nw_conf_why *why);
/* "50M", "1.5K": decimal K M G T, and B for G. */
NW_MUST_CHECK nw_err nw_conf_value_amount(struct nw_slice text, double *out,
                                          struct nw_conf_why *why);
/* "300/s", "0.5/d", "100M/d"; a bare 0. */
NW_MUST_CHECK nw_err nw_conf_value_rate(struct nw_slice text, double *out_per_s,
                                        struct nw_conf_why *why);
/* "0.50/h", "30/month": money for each hour; a month has 730 hours, a year 8,760; a bare 0. */
NW_MUST_CHECK nw_err nw_conf_value_money(struct nw_slice text, double *out_per_h,
                                         struct nw_conf_why *why);
/* "250us", "1.5s", "7d"; a bare 0. */
NW_MUST_CHECK nw_err nw_conf_value_span(struct nw_slice text, double *out_s,
                                        struct nw_conf_why *why);
/* "85%", "250%"; a bare 0. */
NW_MUST_CHECK nw_err nw_conf_value_ratio(struct nw_slice text, double *out_ratio,
                                         struct nw_conf_why *why);
/* As nw_conf_value_size, with fractions. */
NW_MUST_CHECK nw_err nw_conf_value_volume(struct nw_slice text, double *out_bytes,
                                          struct nw_conf_why *why);
/* A percentage, a fraction "1/8", or a number (is_size: with size suffixes, else with counts'). */
NW_MUST_CHECK nw_err nw_conf_value_share(struct nw_slice text, bool is_size,
                                         struct nw_conf_share *out, struct nw_conf_why *why);
/* "host:port", "[v6]:port", "unix:/path". Port 0 (the kernel chooses) only where may_be_zero. */
NW_MUST_CHECK nw_err nw_conf_value_address(struct nw_slice text, bool may_be_zero,
                                           struct nw_arena *arena, struct nw_conf_address *out,
                                           struct nw_conf_why *why);
/* "10.0.0.0/8", "2001:db8::/32", or one address. Host bits that are set are an error. */
NW_MUST_CHECK nw_err nw_conf_value_cidr(struct nw_slice text, struct nw_arena *arena,
                                        struct nw_cidr *out, struct nw_conf_why *why);
/* "/exact", "/prefix/", "/{one}/x", "/files/{rest...}", "~ regex". Does not compile the regex. */
NW_MUST_CHECK nw_err nw_conf_value_path(struct nw_slice text, struct nw_arena *arena,
                                        struct nw_conf_path *out, struct nw_conf_why *why);
/*
 * "https://host[:port][/…]" or "http://…", without user information; or
 * "/path" where is_path_ok.
 */
NW_MUST_CHECK nw_err nw_conf_value_url(struct nw_slice text, bool is_path_ok,
                                       struct nw_conf_why *why);
/* A host name or address as it may stand in Host, without a port: letters, digits, "-", ".". */
bool nw_conf_value_is_host(struct nw_slice text);
/* A token of RFC 9110 section 5.6.2: method and field names. */
bool nw_conf_value_is_token(struct nw_slice text);

/* The world outside the text, supplied by the caller so that loading stays pure. */
struct nw_conf_outside {
    void *arg;
    /* The variable's value, or NULL. May be NULL: no variable is set. */
    const char *(*env)(void *arg, const char *name);
    /* Appends the file's bytes. `path` is as written, relative to the configuration's folder. May
     * be NULL: no file can be read. */
    nw_err (*read_file)(void *arg, const char *path, struct nw_text *out);
    /* The same for what must not be seen; the caller frees it. */
    nw_err (*read_secret)(void *arg, const char *path, struct nw_secret **out);
    /* Where that is in the file system, to watch it and to say who may read it. NULL: nowhere. */
    void (*locate)(void *arg, const char *path, struct nw_text *out);
};

/*
 * `${NAME}` becomes the variable's value, `$${` a literal `${`. Returns the input itself when there
 * is nothing to expand.
 */
NW_MUST_CHECK nw_err nw_conf_value_expand(struct nw_slice text,
                                          const struct nw_conf_outside *outside,
                                          struct nw_arena *arena, struct nw_slice *out,
                                          struct nw_conf_why *why);
/*
 * "file:PATH" becomes the file's bytes without one trailing newline, anything else a copy of it;
 * for the caller to free.
 */
NW_MUST_CHECK nw_err nw_conf_value_secret(struct nw_slice text,
                                          const struct nw_conf_outside *outside,
                                          struct nw_arena *arena, struct nw_secret **out,
                                          struct nw_conf_why *why);

#endif
