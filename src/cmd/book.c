/*
 * Two readings: the one in force, and the one loaded last, which a reload may yet refuse. Processes
 * come from the one in force; sockets and files may come from either, because a reload opens what
 * is new before it switches.
 *
 * The same loader reads here and in newel, without the parts' own checks: what these refuse is
 * never asked for.
 */
#include "cmd/book.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/outside.h"
#include "conf/files.h"
#include "conf/generation.h"
#include "fleet/fleet.h"

struct reading {
    struct outside outside;
    struct nw_generation *generation; /* NULL: nothing was read */
};

struct book {
    struct book_options options;
    char *run_dir; /* of the first reading; `state` cannot be reloaded */
    struct reading current;
    struct reading loaded;
    struct nw_fleet_command *command; /* handed out last */
};

static void reading_done(struct reading *reading)
{
    nw_generation_unref(reading->generation);
    outside_done(&reading->outside);
    *reading = (struct reading){0};
}

static const struct nw_conf *conf_of(const struct reading *reading)
{
    return reading->generation != NULL ? reading->generation->conf : NULL;
}

/* ---- reading ---- */

static nw_err read_text(struct reading *reading, const struct book_options *options,
                        const struct nw_conf_outside *outside, struct nw_text *out)
{
    if (options->file != NULL)
        return outside->read_file(outside->arg, options->file, out);
    nw_text_add_str(out, options->text);
    outside_note(&reading->outside, nw_text_slice(out));
    return NW_OK;
}

static nw_err parse(struct reading *reading, const struct book_options *options,
                    char why[NW_SPAWN_WHY_BYTES])
{
    struct nw_conf_outside outside = outside_real(&reading->outside);
    const char *name = options->file != NULL ? options->file : options->text_name;
    struct nw_text text = {0};
    struct nw_diag diag;
    nw_diag_init(&diag);
    nw_err err = read_text(reading, options, &outside, &text);
    if (err != NW_OK)
        snprintf(why, NW_SPAWN_WHY_BYTES, "%.120s cannot be read: %s", name, outside_why(err));
    else
        err = nw_conf_load(nw_text_slice(&text), name, &outside, NULL, 1, &diag,
                           &reading->generation);
    for (size_t i = 0; i < diag.count && err != NW_OK; i++)
        if (!diag.items[i].is_warning) {
            snprintf(why, NW_SPAWN_WHY_BYTES, "%.80s:%d: %.140s", name, diag.items[i].line,
                     diag.items[i].sentence);
            break;
        }
    nw_wipe(text.ptr, text.len);
    nw_text_done(&text);
    nw_diag_done(&diag);
    return err;
}

static bool may_start_root(const struct nw_conf *conf)
{
    for (size_t i = 0; i < conf->services.count; i++)
        if (nw_slice_eq(conf->services.items[i].user, NW_SLICE("root")))
            return true;
    return false;
}

static nw_err load(void *arg, uint64_t *out_digest, struct nw_spawn_power *out_power,
                   char why[NW_SPAWN_WHY_BYTES])
{
    struct book *book = arg;
    reading_done(&book->loaded);
    book->loaded.outside.conf_file = book->options.file;
    book->loaded.outside.is_noted = true;
    nw_err err = parse(&book->loaded, &book->options, why);
    if (err != NW_OK) {
        reading_done(&book->loaded);
        return err;
    }
    const struct nw_conf *conf = conf_of(&book->loaded);
    *out_digest = book->loaded.outside.digest;
    *out_power = (struct nw_spawn_power){
        .user = conf->user.len > 0 ? conf->user.ptr : NULL,
        .is_hardened = conf->hardening == NW_CONF_HARDENING_ON,
        .may_start_root = may_start_root(conf),
    };
    return NW_OK;
}

static void take(void *arg)
{
    struct book *book = arg;
    if (book->loaded.generation == NULL)
        return;
    reading_done(&book->current);
    book->current = book->loaded;
    book->loaded = (struct reading){0};
    if (book->run_dir != NULL)
        return;
    const char *given = book->options.state_dir;
    book->run_dir = nw_fleet_run_dir(given != NULL ? given : conf_of(&book->current)->state.ptr);
}

/* ---- what it names ---- */

static nw_err process(void *arg, const struct nw_spawn_wish *wish, struct nw_spawn_spec *out,
                      char why[NW_SPAWN_WHY_BYTES])
{
    struct book *book = arg;
    const struct nw_conf *conf = conf_of(&book->current);
    nw_fleet_command_free(book->command);
    book->command = NULL;
    if (conf == NULL || book->run_dir == NULL) {
        snprintf(why, NW_SPAWN_WHY_BYTES, "no configuration was read");
        return NW_INVALID;
    }
    return nw_fleet_command_new(conf, book->run_dir, wish, out, why, &book->command);
}

struct search {
    const char *conf_file;
    const char *path;
    bool is_found;
};

static void on_file(void *arg, struct nw_slice path)
{
    struct search *search = arg;
    char full[OUTSIDE_PATH_BYTES];
    outside_path(search->conf_file, path.ptr, full);
    search->is_found |= strcmp(full, search->path) == 0;
}

/* Those that the loader reads itself, and those that the parts read later. */
static bool names_file(const struct reading *reading, const char *path)
{
    struct search search = {reading->outside.conf_file, path, false};
    if (conf_of(reading) == NULL)
        return false;
    nw_conf_each_file(conf_of(reading), on_file, &search);
    return search.is_found || outside_has_path(&reading->outside, path);
}

static bool may_open(void *arg, const char *path)
{
    const struct book *book = arg;
    return names_file(&book->current, path) || names_file(&book->loaded, path);
}

static bool means(const struct nw_conf_address *address, const struct nw_addr *addr)
{
    struct nw_addr own;
    if (address->port == 0 && address->kind != NW_CONF_ADDRESS_UNIX)
        return false; /* of the kernel's choice: nobody needs our power for that */
    if (address->kind == NW_CONF_ADDRESS_NAME)
        return (addr->kind == NW_ADDR_IP4 || addr->kind == NW_ADDR_IP6) &&
               addr->port == address->port;
    return nw_addr_parse(address->text, &own) == NW_OK && nw_addr_eq(&own, addr);
}

static bool names_listener(const struct reading *reading, struct nw_slice text,
                           const struct nw_addr *addr)
{
    const struct nw_conf *conf = conf_of(reading);
    if (conf == NULL)
        return false;
    for (size_t i = 0; i < conf->listen.count; i++) {
        const struct nw_conf_address *address = &conf->listen.items[i].address;
        if (nw_slice_eq(address->text, text) && means(address, addr))
            return true;
    }
    return conf->admin.address.kind != NW_CONF_ADDRESS_NONE &&
           nw_slice_eq(conf->admin.address.text, text) && means(&conf->admin.address, addr);
}

static bool may_listen(void *arg, const char *text, const struct nw_addr *addr)
{
    const struct book *book = arg;
    struct nw_slice name = nw_slice_str(text);
    return names_listener(&book->current, name, addr) || names_listener(&book->loaded, name, addr);
}

/* ---- the object ---- */

struct book *book_new(const struct book_options *options)
{
    struct book *book = nw_alloc_zero(sizeof *book);
    book->options = *options;
    return book;
}

void book_free(struct book *book)
{
    if (book == NULL)
        return;
    reading_done(&book->current);
    reading_done(&book->loaded);
    nw_fleet_command_free(book->command);
    nw_free(book->run_dir);
    nw_free(book);
}

struct nw_spawn_book book_ops(struct book *book)
{
    return (struct nw_spawn_book){
        .arg = book,
        .load = load,
        .take = take,
        .process = process,
        .may_open = may_open,
        .may_listen = may_listen,
    };
}
