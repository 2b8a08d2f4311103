/*
 * One small function for each type, and three shapes around them. A list takes a single value as a
 * list of one, because `method: GET` is what people write; a map's entries know their key. Bounds
 * are written in options.def as a user would write them and read by the same function as the
 * user's value, so a bound can never be in another unit than the option.
 */
#include "conf/type.h"

#include <ctype.h>
#include <stdarg.h>

#include "base/assert.h"
#include "base/suggest.h"
#include "conf/networks.h"
#include "conf/quantity.h"

#define PARSER(function)                                                                           \
    static nw_err function(struct nw_conf_reader *reader, const struct nw_conf_option *option,     \
                           struct nw_slice key, struct nw_slice text, void *to,                    \
                           struct nw_conf_why *why)

static nw_err refuse(struct nw_conf_why *why, const char *sentence, const char *hint)
{
    *why = (struct nw_conf_why){sentence, hint};
    return NW_INVALID;
}

static bool has_control(struct nw_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static struct nw_slice lower(struct nw_conf_reader *reader, struct nw_slice text)
{
    char *copy = nw_arena_string(reader->arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return nw_slice_of(copy, text.len);
}

PARSER(parse_bool)
{
    return nw_conf_value_bool(text, to, why);
}

PARSER(parse_int)
{
    return nw_conf_value_int(text, to, why);
}

PARSER(parse_count)
{
    return nw_conf_value_count(text, to, why);
}

PARSER(parse_auto)
{
    if (nw_slice_eq(text, NW_SLICE("auto"))) {
        *(int64_t *)to = 0;
        return NW_OK;
    }
    if (nw_conf_value_int(text, to, why) != NW_OK || *(int64_t *)to < 1)
        return refuse(why, "expected auto or a number of at least 1", NULL);
    return NW_OK;
}

PARSER(parse_count_or_off)
{
    if (nw_slice_eq(text, NW_SLICE("off"))) {
        *(int64_t *)to = 0;
        return NW_OK;
    }
    if (nw_conf_value_count(text, to, why) != NW_OK || *(int64_t *)to < 1)
        return refuse(why, "expected off or a count of at least 1", NULL);
    return NW_OK;
}

PARSER(parse_duration)
{
    return nw_conf_value_duration(text, to, why);
}

PARSER(parse_size)
{
    return nw_conf_value_size(text, to, why);
}

PARSER(parse_byte_rate)
{
    return nw_conf_value_byte_rate(text, to, why);
}

PARSER(parse_percent)
{
    return nw_conf_value_percent(text, to, why);
}

PARSER(parse_cores)
{
    return nw_conf_value_number(text, to, why);
}

PARSER(parse_real)
{
    return nw_conf_value_real(text, to, why);
}

PARSER(parse_amount)
{
    return nw_conf_value_amount(text, to, why);
}

PARSER(parse_rate)
{
    return nw_conf_value_rate(text, to, why);
}

PARSER(parse_money)
{
    return nw_conf_value_money(text, to, why);
}

PARSER(parse_span)
{
    return nw_conf_value_span(text, to, why);
}

PARSER(parse_ratio)
{
    return nw_conf_value_ratio(text, to, why);
}

PARSER(parse_volume)
{
    return nw_conf_value_volume(text, to, why);
}

PARSER(parse_number_rate)
{
    return nw_slice_eq(key, NW_SLICE("x")) ? nw_conf_value_real(text, to, why)
                                           : nw_conf_value_rate(text, to, why);
}

PARSER(parse_span_rate)
{
    return nw_slice_eq(key, NW_SLICE("x")) ? nw_conf_value_span(text, to, why)
                                           : nw_conf_value_rate(text, to, why);
}

PARSER(parse_share)
{
    return nw_conf_value_share(text, false, to, why);
}

PARSER(parse_share_size)
{
    return nw_conf_value_share(text, true, to, why);
}

bool nw_conf_choice_at(const char *choices, size_t index, struct nw_slice *out)
{
    struct nw_slice rest = nw_slice_str(choices);
    for (size_t i = 0; nw_slice_split(&rest, '|', out); i++)
        if (i == index)
            return true;
    return false;
}

/* The choice's number, or an error that lists them and names the nearest. */
static nw_err find_choice(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                          struct nw_slice text, int *out, struct nw_conf_why *why)
{
    const char *words[16];
    struct nw_slice choice;
    size_t count = 0;
    for (; count < NW_COUNT(words) && nw_conf_choice_at(option->choices, count, &choice); count++) {
        words[count] = nw_arena_string(reader->arena, choice);
        if (nw_slice_eq(text, choice)) {
            *out = (int)count;
            return NW_OK;
        }
    }
    struct nw_text list = {0};
    for (size_t i = 0; i < count; i++)
        nw_text_addf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
    const char *nearest = nw_suggest(text, words, count);
    const char *sentence = nw_arena_printf(reader->arena, "expected %s", list.ptr).ptr;
    nw_text_done(&list);
    return refuse(why, sentence,
                  nearest != NULL ? nw_arena_printf(reader->arena, "did you mean %s", nearest).ptr
                                  : NULL);
}

PARSER(parse_choice)
{
    return find_choice(reader, option, text, to, why);
}

PARSER(parse_choices)
{
    int number;
    NW_TRY(find_choice(reader, option, text, &number, why));
    *(unsigned *)to |= 1u << number;
    return NW_OK;
}

PARSER(parse_text)
{
    *(struct nw_slice *)to = text;
    return NW_OK;
}

PARSER(parse_string)
{
    if (text.len == 0)
        return refuse(why, "must not be empty", NULL);
    if (has_control(text))
        return refuse(why, "must not hold control characters or line breaks", NULL);
    *(struct nw_slice *)to = text;
    return NW_OK;
}

PARSER(parse_name)
{
    bool is_ok = text.len > 0 && text.len <= 64;
    for (size_t i = 0; i < text.len; i++)
        is_ok &= isalnum((unsigned char)text.ptr[i]) || strchr("_.-", text.ptr[i]) != NULL;
    if (!is_ok)
        return refuse(why, "a name has 1 to 64 letters, digits, -, _ or .", NULL);
    *(struct nw_slice *)to = text;
    return NW_OK;
}

/* One that stands in the file itself is wiped from what was read of the file. */
PARSER(parse_secret)
{
    struct nw_secret *secret;
    struct nw_slice checked;
    NW_TRY(nw_conf_value_secret(text, reader->outside, reader->arena, &secret, why));
    nw_secrets_take(reader->secrets, secret);
    NW_TRY(parse_string(reader, option, key, nw_secret_bytes(secret), &checked, why));
    nw_wipe((char *)(uintptr_t)text.ptr, text.len);
    *(const struct nw_secret **)to = secret;
    return NW_OK;
}

PARSER(parse_tickets)
{
    struct nw_conf_tickets result = {.kind = NW_CONF_TICKETS_FILE};
    if (nw_slice_eq(text, NW_SLICE("auto")))
        result.kind = NW_CONF_TICKETS_AUTO;
    else if (nw_slice_eq(text, NW_SLICE("off")))
        result.kind = NW_CONF_TICKETS_OFF;
    else if (nw_slice_starts_with(text, NW_SLICE("file:")) && text.len > 5)
        result.path = nw_slice_skip(text, 5);
    else
        return refuse(why, "expected auto, off or file:PATH", NULL);
    *(struct nw_conf_tickets *)to = result;
    return NW_OK;
}

PARSER(parse_location)
{
    NW_TRY(nw_conf_value_url(text, true, why));
    *(struct nw_slice *)to = text;
    return NW_OK;
}

PARSER(parse_address)
{
    return nw_conf_value_address(text, false, reader->arena, to, why);
}

PARSER(parse_listen)
{
    return nw_conf_value_address(text, true, reader->arena, to, why);
}

PARSER(parse_path)
{
    return nw_conf_value_path(text, reader->arena, to, why);
}

PARSER(parse_key)
{
    struct nw_conf_key result = {0};
    if (nw_slice_eq(text, NW_SLICE("client")))
        result.kind = NW_CONF_KEY_CLIENT;
    else if (nw_slice_eq(text, NW_SLICE("path")))
        result.kind = NW_CONF_KEY_PATH;
    else if (nw_slice_starts_with(text, NW_SLICE("header ")))
        result.kind = NW_CONF_KEY_HEADER;
    else if (nw_slice_starts_with(text, NW_SLICE("cookie ")))
        result.kind = NW_CONF_KEY_COOKIE;
    else
        return refuse(why, "expected client, path, header NAME or cookie NAME", NULL);
    if (result.kind == NW_CONF_KEY_HEADER || result.kind == NW_CONF_KEY_COOKIE) {
        result.name = nw_slice_trim(nw_slice_skip(text, 7));
        if (!nw_conf_value_is_token(result.name))
            return refuse(why, "this cannot be the name of a header or cookie", NULL);
        if (result.kind == NW_CONF_KEY_HEADER)
            result.name = lower(reader, result.name);
    }
    *(struct nw_conf_key *)to = result;
    return NW_OK;
}

PARSER(parse_host_rule)
{
    struct nw_conf_host_rule result = {.kind = NW_CONF_HOST_FIXED};
    struct nw_conf_address address;
    if (nw_slice_eq(text, NW_SLICE("keep")))
        result.kind = NW_CONF_HOST_KEEP;
    else if (nw_slice_eq(text, NW_SLICE("node")))
        result.kind = NW_CONF_HOST_NODE;
    else if (nw_conf_value_is_host(text) ||
             (nw_conf_value_address(text, false, reader->arena, &address, why) == NW_OK &&
              address.kind != NW_CONF_ADDRESS_UNIX))
        result.text = text;
    else
        return refuse(why, "expected keep, node, or a host with or without a port", NULL);
    *(struct nw_conf_host_rule *)to = result;
    return NW_OK;
}

PARSER(parse_method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    if (!nw_conf_value_is_token(text))
        return refuse(why, "a method is one word", NULL);
    for (size_t i = 0; i < NW_COUNT(known); i++)
        if (nw_slice_eq_nocase(text, nw_slice_str(known[i])) &&
            !nw_slice_eq(text, nw_slice_str(known[i])))
            return refuse(why, "methods are in capitals",
                          nw_arena_printf(reader->arena, "did you mean %s", known[i]).ptr);
    if (nw_slice_eq(text, NW_SLICE("CONNECT")) || nw_slice_eq(text, NW_SLICE("TRACE")))
        return refuse(why, "newel never forwards CONNECT and TRACE", NULL);
    *(struct nw_slice *)to = text;
    return NW_OK;
}

PARSER(parse_host)
{
    struct nw_conf_host host = {.is_wildcard = nw_slice_starts_with(text, NW_SLICE("*."))};
    struct nw_slice name = host.is_wildcard ? nw_slice_skip(text, 2) : text;
    struct nw_conf_address address;
    struct nw_conf_why ignored;
    if (nw_slice_ends_with(name, NW_SLICE(".")))
        name.len--;
    bool is_v6 = nw_slice_starts_with(name, NW_SLICE("[")) && !host.is_wildcard;
    struct nw_slice with_port =
        nw_arena_printf(reader->arena, "%.*s:1", NW_SLICE_ARG(name));
    bool is_ok = is_v6 ? nw_conf_value_address(with_port, false, reader->arena, &address,
                                               &ignored) == NW_OK
                       : nw_conf_value_is_host(name);
    if (!is_ok)
        return refuse(why, "expected a host name, or *. and one, without a port", NULL);
    host.name = lower(reader, name);
    *(struct nw_conf_host *)to = host;
    return NW_OK;
}

PARSER(parse_network)
{
    return nw_conf_networks_entry(reader, text, to, why);
}

static bool read_status(struct nw_slice text, int *out)
{
    uint64_t status;
    if (text.len != 3 || nw_slice_to_u64(text, &status) != NW_OK || status < 100 || status > 599)
        return false;
    *out = (int)status;
    return true;
}

PARSER(parse_statuses)
{
    struct nw_conf_status_range range;
    size_t dash = nw_slice_find(text, '-');
    struct nw_slice to_text = dash < text.len ? nw_slice_skip(text, dash + 1) : text;
    if (text.len == 3 && text.ptr[0] >= '1' && text.ptr[0] <= '5' &&
        nw_slice_eq(nw_slice_skip(text, 1), NW_SLICE("xx"))) {
        range.from = (text.ptr[0] - '0') * 100;
        range.to = range.from + 99;
    } else if (!read_status(nw_slice_first(text, dash), &range.from) ||
               !read_status(to_text, &range.to) || range.from > range.to) {
        return refuse(why, "expected a status such as 200, 2xx or 200-299", NULL);
    }
    *(struct nw_conf_status_range *)to = range;
    return NW_OK;
}

PARSER(parse_match)
{
    struct nw_conf_match match = {.name = key, .text = text};
    if (nw_slice_eq(text, NW_SLICE("*"))) {
        match.kind = NW_CONF_MATCH_PRESENT;
        match.text = NW_SLICE("");
    } else if (nw_slice_starts_with(text, NW_SLICE("~"))) {
        match.kind = NW_CONF_MATCH_REGEX;
        match.text = nw_slice_trim(nw_slice_skip(text, 1));
        if (match.text.len == 0)
            return refuse(why, "a regular expression is missing after ~", NULL);
        match.text = nw_slice_of(nw_arena_string(reader->arena, match.text), match.text.len);
    }
    *(struct nw_conf_match *)to = match;
    return NW_OK;
}

PARSER(parse_header_match)
{
    if (!nw_conf_value_is_token(key))
        return refuse(why, "this cannot be the name of a header", NULL);
    return parse_match(reader, option, lower(reader, key), text, to, why);
}

PARSER(parse_field)
{
    static const char *const framing[] = {"content-length", "transfer-encoding", "connection",
                                          "content-type",   "date",              "upgrade",
                                          "keep-alive",     "te",                "trailer"};
    if (!nw_conf_value_is_token(key))
        return refuse(why, "this cannot be the name of a field", NULL);
    for (size_t i = 0; i < NW_COUNT(framing); i++)
        if (nw_slice_eq_nocase(key, nw_slice_str(framing[i])))
            return refuse(why, "newel sets this field itself",
                          i == 3 ? "use content_type" : NULL);
    if (has_control(text))
        return refuse(why, "must not hold control characters or line breaks", NULL);
    *(struct nw_conf_pair *)to = (struct nw_conf_pair){key, text};
    return NW_OK;
}

PARSER(parse_variable)
{
    static const char *const own[] = {"PORT", "NEWEL_SOCKET", "NEWEL_INSTANCE"};
    struct nw_secret *secret;
    bool is_ok = key.len > 0 && !isdigit((unsigned char)key.ptr[0]);
    for (size_t i = 0; i < key.len; i++)
        is_ok &= isalnum((unsigned char)key.ptr[i]) || key.ptr[i] == '_';
    if (!is_ok)
        return refuse(why, "a variable's name has letters, digits and _", NULL);
    for (size_t i = 0; i < NW_COUNT(own); i++)
        if (nw_slice_eq(key, nw_slice_str(own[i])))
            return refuse(why, "newel sets this variable itself", NULL);
    *(struct nw_conf_pair *)to = (struct nw_conf_pair){key, text};
    if (!nw_slice_starts_with(text, NW_SLICE("file:")))
        return NW_OK;
    NW_TRY(nw_conf_value_secret(text, reader->outside, reader->arena, &secret, why));
    nw_secrets_take(reader->secrets, secret);
    ((struct nw_conf_pair *)to)->value = nw_secret_bytes(secret);
    return NW_OK;
}

static const struct nw_conf_type types[] = {
#define NW_TYPE(word, form, function, type, bounds, regex, text)                                   \
    {.name = #word,                                                                                \
     .shape = NW_CONF_SHAPE_##form,                                                                \
     .parse = function,                                                                            \
     .value_bytes = sizeof(type),                                                                  \
     .number = NW_CONF_NUMBER_##bounds,                                                            \
     .pattern = regex,                                                                             \
     .title = text},
#include "conf/type.def"
#undef NW_TYPE
};

const struct nw_conf_type *nw_conf_type(nw_conf_type_id type)
{
    NW_ASSERT(type < NW_COUNT(types));
    return &types[type];
}

void nw_conf_reader_blame(struct nw_conf_reader *reader, int line, int column, const char *path,
                          const char *suggestion, const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    if (reader->diag->error_count >= NW_CONF_MISTAKES_MAX) {
        reader->unshown_count++;
        return;
    }
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    nw_diag_add(reader->diag, false, reader->file, line, column, path, suggestion, "%s",
                sentence.ptr);
    nw_text_done(&sentence);
}

/* Is `a` above `b`? Both were written by the parser of a type with these bounds. */
static bool is_above(nw_conf_number number, const void *a, const void *b)
{
    const struct nw_conf_share *left = a, *right = b;
    switch (number) {
    case NW_CONF_NUMBER_INT:
        return *(const int64_t *)a > *(const int64_t *)b;
    case NW_CONF_NUMBER_REAL:
    case NW_CONF_NUMBER_PLUS: return *(const double *)a > *(const double *)b;
    case NW_CONF_NUMBER_SHARE:
        return left->ratio == 0 && right->ratio == 0 && left->value > right->value;
    default:
        return false;
    }
}

static nw_err check_bounds(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                           const void *value, struct nw_conf_why *why)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    bool is_plus = type->number == NW_CONF_NUMBER_PLUS && option->min == NULL;
    const char *bounds[] = {is_plus ? "0" : option->min, option->max};
    for (size_t i = 0; i < NW_COUNT(bounds); i++) {
        struct nw_conf_share bound = {0}; /* the largest of the kinds that have bounds */
        if (bounds[i] == NULL)
            continue;
        NW_ASSERT(type->value_bytes <= sizeof bound);
        NW_ASSERT(type->parse(reader, option, NW_SLICE(""), nw_slice_str(bounds[i]), &bound, why) ==
                  NW_OK);
        if (i == 0 ? is_above(type->number, &bound, value) : is_above(type->number, value, &bound))
            return refuse(why,
                          nw_arena_printf(reader->arena, "must be %s %s",
                                          i == 0 ? "at least" : "at most", bounds[i])
                              .ptr,
                          NULL);
    }
    return NW_OK;
}

/* The value is quoted where the sentence goes on with ", not …"; secrets never are. */
static void blame_value(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, const char *path,
                        const struct nw_conf_why *why)
{
    bool is_secret =
        option->type == NW_CONF_TYPE_SECRET || option->type == NW_CONF_TYPE_ENVIRONMENT;
    bool goes_on = strncmp(why->sentence, "expected", 8) == 0 ||
                   strncmp(why->sentence, "must be ", 8) == 0;
    bool is_shown = goes_on && !is_secret && tree->text.len > 0 && tree->text.len <= 60 &&
                    !has_control(tree->text);
    if (is_shown)
        nw_conf_reader_blame(reader, tree->line, tree->column, path, why->hint, "%s, not \"%s\"",
                             why->sentence, tree->text.ptr);
    else
        nw_conf_reader_blame(reader, tree->line, tree->column, path, why->hint, "%s",
                             why->sentence);
}

/* Is the word one of the alternatives that the option lists ("off|[0-9]+", "on|off")? */
static bool lists_word(const struct nw_conf_option *option, struct nw_slice word)
{
    const char *list = option->choices != NULL ? option->choices
                                               : nw_conf_type(option->type)->pattern;
    struct nw_slice rest = nw_slice_str(list), part;
    while (nw_slice_split(&rest, '|', &part))
        if (nw_slice_eq(part, word))
            return true;
    return false;
}

bool nw_conf_type_value(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                        const struct nw_conf_tree *tree, struct nw_slice key, const char *path,
                        void *to)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    bool is_x = type->shape == NW_CONF_SHAPE_POINTS && nw_slice_eq(key, NW_SLICE("x"));
    struct nw_conf_why why = {0};
    struct nw_slice text;
    if (tree->is_broken)
        return false;
    if (tree->kind != NW_CONF_SCALAR) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "expected one value, not a %s",
                             tree->kind == NW_CONF_SEQUENCE ? "list" : "mapping");
        return false;
    }
    if (tree->text.len == 0 && !tree->is_quoted) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "has no value; give one or remove the line");
        return false;
    }
    if (tree->is_bare_switch && !lists_word(option, tree->text)) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NW_CONF_TRAP_HINT,
                             NW_CONF_TRAP_SENTENCE, tree->text.ptr);
        return false;
    }
    if (nw_conf_value_expand(tree->text, reader->outside, reader->arena, &text, &why) == NW_OK &&
        type->parse(reader, option, key, text, to, &why) == NW_OK &&
        (is_x || check_bounds(reader, option, to, &why) == NW_OK))
        return true;
    blame_value(reader, option, tree, path, &why);
    return false;
}

static bool read_value(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path, void *to)
{
    struct nw_slice key = tree->key.ptr != NULL ? tree->key : NW_SLICE("");
    return nw_conf_type_value(reader, option, tree, key, path, to);
}

/* The field of lists and maps: what nw_conf_strings and its relatives look like. */
struct array {
    char *items;
    size_t count;
};

static void read_array(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *first, size_t count, const char *path,
                       void *field)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    bool is_bits = option->type == NW_CONF_TYPE_CHOICES;
    bool is_map = type->shape == NW_CONF_SHAPE_MAP;
    size_t mistakes = reader->diag->error_count;
    struct array array = {.items = is_bits ? field : nw_arena_zero(reader->arena,
                                                                   count * type->value_bytes + 1)};
    if (is_bits)
        *(unsigned *)field = 0;
    size_t index = 0;
    for (const struct nw_conf_tree *item = first; index < count; item = item->next, index++) {
        char *to = is_bits ? field : array.items + array.count * type->value_bytes;
        const char *item_path =
            is_map ? nw_arena_printf(reader->arena, "%s.%s", path, item->key.ptr).ptr
                   : nw_arena_printf(reader->arena, "%s[%zu]", path, index).ptr;
        array.count += read_value(reader, option, item, count > 1 || is_map ? item_path : path, to);
    }
    if (option->type == NW_CONF_TYPE_NETWORKS)
        nw_conf_networks_join(reader, first, path, (void *)array.items, array.count,
                              mistakes == reader->diag->error_count, field);
    else if (!is_bits)
        memcpy(field, &array, sizeof array);
}

void nw_conf_type_read(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                       const struct nw_conf_tree *tree, const char *path, void *field)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    if (tree->is_broken)
        return;
    if (type->shape == NW_CONF_SHAPE_QUANTITY) {
        nw_conf_quantity_read(reader, option, tree, path, field);
    } else if (type->shape == NW_CONF_SHAPE_POINTS) {
        nw_conf_points_read(reader, option, tree, path, field);
    } else if (type->shape == NW_CONF_SHAPE_MAP && tree->kind != NW_CONF_MAPPING) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL, "expected a mapping");
    } else if (type->shape == NW_CONF_SHAPE_LIST && tree->kind == NW_CONF_SCALAR) {
        read_array(reader, option, tree, 1, path, field);
    } else if (type->shape == NW_CONF_SHAPE_LIST && tree->kind == NW_CONF_MAPPING) {
        nw_conf_reader_blame(reader, tree->line, tree->column, path, NULL,
                             "expected a list, not a mapping");
    } else if (type->shape == NW_CONF_SHAPE_SCALAR) {
        _Alignas(16) char value[128]; /* a refused value leaves the field alone */
        NW_ASSERT(type->value_bytes <= sizeof value);
        if (read_value(reader, option, tree, path, value))
            memcpy(field, value, type->value_bytes);
    } else {
        read_array(reader, option, tree->first, tree->child_count, path, field);
    }
}

void nw_conf_type_default(struct nw_conf_reader *reader, const struct nw_conf_option *option,
                          void *field)
{
    const struct nw_conf_type *type = nw_conf_type(option->type);
    if (option->fallback == NULL || nw_conf_option_is_required(option)) {
        if (type->shape == NW_CONF_SHAPE_SCALAR && type->value_bytes == sizeof(struct nw_slice))
            *(struct nw_slice *)field = NW_SLICE("");
        return;
    }
    struct nw_conf_tree items[8] = {0};
    struct nw_slice rest = nw_slice_str(option->fallback), part;
    size_t count = 0;
    size_t error_count = reader->diag->error_count;
    NW_ASSERT(type->shape != NW_CONF_SHAPE_POINTS);
    if (type->shape == NW_CONF_SHAPE_SCALAR || type->shape == NW_CONF_SHAPE_QUANTITY) {
        items[0].text = rest;
        items[0].is_quoted = true;
        nw_conf_type_read(reader, option, &items[0], option->name, field);
    } else {
        for (; count < NW_COUNT(items) - 1 && nw_slice_split(&rest, ',', &part); count++) {
            items[count].text =
                nw_slice_of(nw_arena_string(reader->arena, part), part.len);
            items[count].next = &items[count + 1];
        }
        read_array(reader, option, items, count, option->name, field);
    }
    if (type->shape == NW_CONF_SHAPE_QUANTITY)
        ((struct nw_conf_quantity *)field)->at = NULL;
    NW_ASSERT(reader->diag->error_count == error_count);
}
