/*
 * The format is read pair by pair: the key up to '=', then the value up to the next space of the
 * format, each conversion printed by snprintf through a copy of its own specification. So the
 * boundaries of values come from the programmer's literal and never from the printed text, and
 * escaping happens in one place. A typed API (one call per pair) would be as safe, but the printf
 * form reads better at 100 call sites and the compiler checks its arguments.
 */
#include "base/log_line.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/clock.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* va_list may be an array type: behind a struct it can be handed on and still advance. */
struct args {
    va_list list;
};

/* One conversion, its '*' already replaced by numbers. */
struct spec {
    char text[48];
    size_t len;
    char length; /* 0, 'l', 'q' for ll, 'z', 'j', 't' */
    char conversion;
};

static bool is_bare(struct nw_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        if (byte <= 0x20 || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\')
            return false;
    }
    return value.len > 0;
}

/* JSON escapes, and the C1 controls too: a terminal takes U+009B for the start of a command. */
static void add_escaped(struct nw_text *text, struct nw_slice value)
{
    for (size_t i = 0; i + 1 < value.len; i++) {
        unsigned char second = (unsigned char)value.ptr[i + 1];
        if ((unsigned char)value.ptr[i] != 0xc2 || second > 0x9f || second < 0x80)
            continue;
        nw_text_add_json(text, nw_slice_first(value, i));
        nw_text_addf(text, "\\u%04x", second);
        value = nw_slice_skip(value, i + 2);
        i = (size_t)-1;
    }
    nw_text_add_json(text, value);
}

static void add_quoted(struct nw_text *text, struct nw_slice value)
{
    bool is_cut = value.len > NW_LOG_VALUE_MAX_BYTES;
    nw_text_add_char(text, '"');
    add_escaped(text, nw_slice_first(value, NW_LOG_VALUE_MAX_BYTES));
    nw_text_add_str(text, is_cut ? "...\"" : "\"");
}

void nw_log_add_value(struct nw_text *text, struct nw_slice value)
{
    if (value.len <= NW_LOG_VALUE_MAX_BYTES && is_bare(value))
        nw_text_add(text, value);
    else
        add_quoted(text, value);
}

static size_t count_digits(struct nw_slice at)
{
    size_t count = 0;
    while (count < at.len && at.ptr[count] >= '0' && at.ptr[count] <= '9')
        count++;
    return count;
}

/* RFC 8259: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool is_json_number(struct nw_slice at)
{
    if (at.len > 0 && at.ptr[0] == '-')
        at = nw_slice_skip(at, 1);
    size_t digits = count_digits(at);
    if (digits == 0 || (digits > 1 && at.ptr[0] == '0'))
        return false;
    at = nw_slice_skip(at, digits);
    if (at.len > 0 && at.ptr[0] == '.') {
        at = nw_slice_skip(at, 1);
        digits = count_digits(at);
        if (digits == 0)
            return false;
        at = nw_slice_skip(at, digits);
    }
    if (at.len > 0 && (at.ptr[0] == 'e' || at.ptr[0] == 'E')) {
        at = nw_slice_skip(at, 1);
        if (at.len > 0 && (at.ptr[0] == '+' || at.ptr[0] == '-'))
            at = nw_slice_skip(at, 1);
        digits = count_digits(at);
        if (digits == 0)
            return false;
        at = nw_slice_skip(at, digits);
    }
    return at.len == 0;
}

static void spec_char(struct spec *spec, char byte)
{
    NW_ASSERT(spec->len < sizeof spec->text - 1);
    spec->text[spec->len++] = byte;
    spec->text[spec->len] = '\0';
}

static const char *spec_number(struct spec *spec, const char *at, struct args *args)
{
    if (*at != '*') {
        while (*at >= '0' && *at <= '9')
            spec_char(spec, *at++);
        return at;
    }
    char digits[16];
    snprintf(digits, sizeof digits, "%d", va_arg(args->list, int));
    for (const char *digit = digits; *digit != '\0'; digit++)
        spec_char(spec, *digit);
    return at + 1;
}

/* Reads one specification behind its '%'; returns what follows it. */
static const char *read_spec(struct spec *spec, const char *at, struct args *args)
{
    *spec = (struct spec){0};
    spec_char(spec, '%');
    while (*at == '-' || *at == '+' || *at == ' ' || *at == '#' || *at == '0')
        spec_char(spec, *at++);
    at = spec_number(spec, at, args);
    if (*at == '.') {
        spec_char(spec, *at++);
        at = spec_number(spec, at, args);
    }
    while (*at == 'h' || *at == 'l' || *at == 'z' || *at == 'j' || *at == 't') {
        spec->length = *at == 'h' ? 0 : spec->length == 'l' ? 'q' : *at;
        spec_char(spec, *at++);
    }
    spec->conversion = *at;
    spec_char(spec, *at);
    return at + 1;
}

static void print_integer(struct nw_text *value, const struct spec *spec, struct args *args)
{
    switch (spec->length) {
    case 0: nw_text_addf(value, spec->text, va_arg(args->list, int)); break;
    case 'l': nw_text_addf(value, spec->text, va_arg(args->list, long)); break;
    case 'q': nw_text_addf(value, spec->text, va_arg(args->list, long long)); break;
    case 'z': nw_text_addf(value, spec->text, va_arg(args->list, size_t)); break;
    case 'j': nw_text_addf(value, spec->text, va_arg(args->list, intmax_t)); break;
    default: nw_text_addf(value, spec->text, va_arg(args->list, ptrdiff_t)); break;
    }
}

static void print_string(struct nw_text *value, const struct spec *spec, const char *string)
{
    if (spec->len == 2 && string != NULL) /* a plain %s, by far the most frequent */
        nw_text_add_str(value, string);
    else
        nw_text_addf(value, spec->text, string);
}

/* Prints one argument; false when the result is text even if it looks like a number. */
static bool print_argument(struct nw_text *value, const struct spec *spec, struct args *args)
{
    switch (spec->conversion) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
        print_integer(value, spec, args);
        return spec->conversion != 'x' && spec->conversion != 'X';
    case 'f':
    case 'g':
    case 'e':
        nw_text_addf(value, spec->text, va_arg(args->list, double));
        return true;
    case 'c':
        nw_text_addf(value, spec->text, va_arg(args->list, int));
        return false;
    case 's':
        print_string(value, spec, va_arg(args->list, const char *));
        return false;
    case 'p':
        nw_text_addf(value, spec->text, va_arg(args->list, void *));
        return false;
    default:
        NW_ASSERT(spec->conversion == '%');
        nw_text_add_char(value, '%');
        return false;
    }
}

/* Fills `value` from the format up to its next space or end, which is returned. */
static const char *read_value(struct nw_text *value, const char *at, struct args *args,
                              bool *is_number)
{
    *is_number = true;
    nw_text_clear(value);
    while (*at != ' ' && *at != '\0') {
        if (*at != '%') {
            size_t literal = strcspn(at, "% ");
            nw_text_add(value, nw_slice_of(at, literal));
            at += literal;
            continue;
        }
        struct spec spec;
        at = read_spec(&spec, at + 1, args);
        *is_number &= print_argument(value, &spec, args);
    }
    *is_number = *is_number && is_json_number(nw_text_slice(value));
    return at;
}

static void add_pair(struct nw_text *out, nw_log_format format, struct nw_slice key,
                     struct nw_slice value, bool is_number)
{
    nw_text_add_str(out, format == NW_LOG_LOGFMT ? " " : ",\"");
    nw_text_add(out, key);
    nw_text_add_str(out, format == NW_LOG_LOGFMT ? "=" : "\":");
    if (format == NW_LOG_LOGFMT)
        nw_log_add_value(out, value);
    else if (is_number)
        nw_text_add(out, value);
    else
        add_quoted(out, value);
}

static void add_head(struct nw_text *out, const struct nw_log_line *line)
{
    char time[NW_CLOCK_ISO_BYTES];
    bool is_json = line->format == NW_LOG_JSON;
    nw_text_add_str(out, is_json ? "{\"time\":\"" : "time=");
    nw_text_add_str(out, nw_clock_iso(line->wall_ms, time));
    nw_text_add_str(out, is_json ? "\",\"level\":\"" : " level=");
    nw_text_add_str(out, level_names[line->level]);
    nw_text_add_str(out, is_json ? "\",\"event\":\"" : " event=");
    nw_text_add_str(out, line->event);
    if (is_json)
        nw_text_add_char(out, '"');
}

void nw_log_line_add(struct nw_text *out, struct nw_text *value, const struct nw_log_line *line,
                     const char *format, va_list list)
{
    struct args args;
    va_copy(args.list, list);
    add_head(out, line);
    while (*format != '\0') {
        struct nw_slice key = nw_slice_of(format, strcspn(format, "=% "));
        bool is_number = false;
        NW_ASSERT(key.len > 0 && format[key.len] == '='); /* "key=value key=value" */
        format = read_value(value, format + key.len + 1, &args, &is_number);
        add_pair(out, line->format, key, nw_text_slice(value), is_number);
        if (*format == ' ')
            format++;
    }
    va_end(args.list);
    nw_text_add_str(out, line->format == NW_LOG_JSON ? "}\n" : "\n");
}
