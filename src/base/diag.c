/* A list of located sentences; sorted only when printed, so that adding stays cheap and ordered. */
#include "base/diag.h"

#include <stdlib.h>

#include "base/alloc.h"

void nw_diag_init(struct nw_diag *diag)
{
    *diag = (struct nw_diag){0};
}

void nw_diag_done(struct nw_diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        nw_free(diag->items[i].file);
        nw_free(diag->items[i].path);
        nw_free(diag->items[i].sentence);
        nw_free(diag->items[i].suggestion);
    }
    nw_free(diag->items);
    nw_diag_init(diag);
}

static char *copy_or_null(const char *string)
{
    return string != NULL ? nw_alloc_string(nw_slice_str(string)) : NULL;
}

static struct nw_diag_item *append(struct nw_diag *diag)
{
    if (diag->count == diag->cap) {
        diag->cap = diag->cap != 0 ? diag->cap * 2 : 8;
        diag->items = nw_realloc(diag->items, diag->cap * sizeof *diag->items);
    }
    diag->items[diag->count] = (struct nw_diag_item){0};
    return &diag->items[diag->count++];
}

void nw_diag_add(struct nw_diag *diag, bool is_warning, const char *file, int line, int column,
                 const char *path, const char *suggestion, const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    struct nw_diag_item *item = append(diag);
    item->is_warning = is_warning;
    item->file = copy_or_null(file);
    item->line = line;
    item->column = column;
    item->path = copy_or_null(path);
    item->suggestion = copy_or_null(suggestion);
    item->sentence = sentence.ptr;
    diag->error_count += !is_warning;
}

void nw_diag_error(struct nw_diag *diag, const char *format, ...)
{
    struct nw_text sentence = {0};
    va_list args;
    va_start(args, format);
    nw_text_addv(&sentence, format, args);
    va_end(args);
    append(diag)->sentence = sentence.ptr;
    diag->error_count++;
}

static int by_position(const void *left, const void *right)
{
    const struct nw_diag_item *a = *(const struct nw_diag_item *const *)left;
    const struct nw_diag_item *b = *(const struct nw_diag_item *const *)right;
    int files = strcmp(a->file != NULL ? a->file : "", b->file != NULL ? b->file : "");
    if (files != 0)
        return files;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Keys and values of files that somebody else wrote stand in these lines: no byte of them may
 * steer the terminal. */
static void add_word(const char *word, struct nw_text *out)
{
    nw_text_add_plain(out, nw_slice_str(word));
}

static void print_item(const struct nw_diag_item *item, struct nw_text *out)
{
    if (item->file != NULL) {
        add_word(item->file, out);
        nw_text_add_char(out, ':');
    }
    if (item->line > 0)
        nw_text_addf(out, "%d:%d:", item->line, item->column);
    if (item->file != NULL || item->line > 0)
        nw_text_add_char(out, ' ');
    if (item->is_warning)
        nw_text_add_str(out, "warning: ");
    if (item->path != NULL) {
        add_word(item->path, out);
        nw_text_add_str(out, ": ");
    }
    add_word(item->sentence, out);
    if (item->suggestion != NULL) {
        nw_text_add_str(out, " (");
        add_word(item->suggestion, out);
        nw_text_add_char(out, ')');
    }
    nw_text_add_char(out, '\n');
}

void nw_diag_print(const struct nw_diag *diag, struct nw_text *out)
{
    const struct nw_diag_item **order = nw_alloc_array(diag->count, sizeof *order);
    for (size_t i = 0; i < diag->count; i++)
        order[i] = &diag->items[i];
    qsort(order, diag->count, sizeof *order, by_position);
    for (size_t i = 0; i < diag->count; i++)
        print_item(order[i], out);
    nw_free(order);
}
