/*
 * A list of networks is read for one question, whether it has an address, so what the other parts
 * get is the ranges. A file of a hundred thousand lines passes through the heap, never through the
 * generation's arena, and a mistake in it is told with the file's own name and line: that is what
 * a person has to edit.
 */
#include "conf/networks.h"

#include "base/alloc.h"

#define TOO_MANY "a list has at most 100000 networks"
_Static_assert(NW_IP_RANGES_MAX == 100000, "the sentence says so");

/* ---- files ---- */

/* The reader blames its own file; this mistake stands in another one. */
static void blame_in(struct nw_conf_reader *reader, const char *file, int line, int column,
                     const struct nw_conf_why *why)
{
    struct nw_conf_reader there = *reader;
    there.file = file;
    nw_conf_reader_blame(&there, line, column, NULL, why->hint, "%s", why->sentence);
    reader->unshown_count = there.unshown_count;
}

/* Without the comment and the blanks around it; what a carriage return leaves is a blank. */
static struct nw_slice bare(struct nw_slice line)
{
    line = nw_slice_first(line, nw_slice_find(line, '#'));
    if (nw_slice_ends_with(line, NW_SLICE("\r")))
        line.len--;
    return nw_slice_trim(line);
}

static size_t count_lines(struct nw_slice text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

void nw_conf_networks_lines(struct nw_conf_reader *reader, struct nw_slice text, const char *file,
                            struct nw_cidr **out_networks, size_t *out_count)
{
    size_t max = count_lines(text), count = 0;
    if (max > NW_IP_RANGES_MAX)
        max = NW_IP_RANGES_MAX;
    struct nw_cidr *networks = nw_alloc_array(max, sizeof *networks);
    struct nw_slice line;
    for (int number = 1; nw_slice_split(&text, '\n', &line); number++) {
        struct nw_slice network = bare(line);
        struct nw_conf_why why = {0};
        struct nw_cidr found;
        int column = (int)(network.ptr - line.ptr) + 1;
        if (network.len == 0)
            continue;
        if (nw_cidr_parse(network, &found) != NW_OK &&
            nw_conf_value_cidr(network, reader->arena, &found, &why) != NW_OK) {
            blame_in(reader, file, number, column, &why);
        } else if (count == max) {
            blame_in(reader, file, number, column, &(struct nw_conf_why){TOO_MANY, NULL});
            break;
        } else {
            networks[count++] = found;
        }
    }
    *out_networks = networks;
    *out_count = count;
}

static nw_err read_file(struct nw_conf_reader *reader, struct nw_slice name,
                        struct nw_conf_networks_entry *out, struct nw_conf_why *why)
{
    const struct nw_conf_outside *outside = reader->outside;
    const char *path = nw_arena_string(reader->arena, name);
    struct nw_text text = {0};
    if (path[0] == '\0') {
        *why = (struct nw_conf_why){"a path is missing after file:", NULL};
        return NW_INVALID;
    }
    nw_err err =
        outside->read_file != NULL ? outside->read_file(outside->arg, path, &text) : NW_NOT_FOUND;
    if (err == NW_OK) {
        struct nw_slice lines = nw_slice_of(text.ptr != NULL ? text.ptr : "", text.len);
        nw_conf_networks_lines(reader, lines, path, &out->many, &out->count);
    } else {
        const char *problem = err == NW_NOT_FOUND ? "there is no such file" : nw_err_text(err);
        const char *sentence =
            nw_arena_printf(reader->arena, "the list %s cannot be read: %s", path, problem).ptr;
        *why = (struct nw_conf_why){sentence, NULL};
        err = NW_INVALID;
    }
    nw_text_done(&text);
    return err;
}

/* ---- entries ---- */

nw_err nw_conf_networks_entry(struct nw_conf_reader *reader, struct nw_slice text,
                              struct nw_conf_networks_entry *out, struct nw_conf_why *why)
{
    *out = (struct nw_conf_networks_entry){0};
    if (nw_slice_eq(text, NW_SLICE("off"))) {
        out->is_off = true;
        return NW_OK;
    }
    if (nw_slice_starts_with(text, NW_SLICE("file:")))
        return read_file(reader, nw_slice_skip(text, 5), out, why);
    NW_TRY(nw_conf_value_cidr(text, reader->arena, &out->one, why));
    out->count = 1;
    return NW_OK;
}

static void join(struct nw_conf_reader *reader, const struct nw_conf_networks_entry *entries,
                 size_t count, size_t all, struct nw_conf_networks *out)
{
    struct nw_cidr *networks = nw_alloc_array(all + 1, sizeof *networks);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct nw_cidr *from = entries[i].many != NULL ? entries[i].many : &entries[i].one;
        memcpy(networks + at, from, entries[i].count * sizeof *networks);
        at += entries[i].count;
    }
    out->ranges = nw_ip_ranges_new(networks, all, reader->arena);
    out->count = all;
    nw_free(networks);
}

void nw_conf_networks_join(struct nw_conf_reader *reader, const struct nw_conf_tree *first,
                           const char *path, struct nw_conf_networks_entry *entries, size_t count,
                           bool is_right, struct nw_conf_networks *out)
{
    size_t all = 0;
    bool has_off = false;
    for (size_t i = 0; i < count; i++) {
        all += entries[i].count;
        has_off |= entries[i].is_off;
    }
    *out = (struct nw_conf_networks){0};
    if (is_right && has_off && count > 1)
        nw_conf_reader_blame(reader, first->line, first->column, path, NULL,
                             "off stands alone, not among networks");
    else if (is_right && all > NW_IP_RANGES_MAX)
        nw_conf_reader_blame(reader, first->line, first->column, path, NULL, TOO_MANY);
    else if (is_right && !has_off)
        join(reader, entries, count, all, out);
    for (size_t i = 0; i < count; i++)
        nw_free(entries[i].many);
}
