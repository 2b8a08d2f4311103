/*
 * tree.h - strict YAML text to a tree in which every node knows its place.
 *
 * The subset: mappings, sequences and scalars. Anchors, aliases, tags, several documents, duplicate
 * keys, bare yes/no, tabs as indentation, bytes that are not UTF-8, a depth over 32 and a
 * text over 8 MiB are located errors. YAML's own syntax errors end the parse; everything else is
 * collected, so that one run names every mistake.
 *
 * Owner:   nodes and texts live in the arena given; the input is not referenced afterwards
 * Threads: one arena, one thread; a finished tree is immutable
 */
#ifndef NW_CONF_TREE_H
#define NW_CONF_TREE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/slice.h"

#define NW_CONF_TREE_TEXT_MAX_BYTES (8u << 20)
#define NW_CONF_TREE_DEPTH_MAX 32
#define NW_CONF_TREE_NODES_MAX 500000

typedef enum nw_conf_tree_kind {
    NW_CONF_SCALAR,
    NW_CONF_SEQUENCE,
    NW_CONF_MAPPING,
} nw_conf_tree_kind;

/* What is said of a bare word that other readers of YAML take for true or false. */
#define NW_CONF_TRAP_SENTENCE "a bare %s is a trap: YAML versions disagree whether it is a boolean"
#define NW_CONF_TRAP_HINT "write true or false, or put the word in quotes"

/* In a mapping each child has its key; the order is that of the file. */
struct nw_conf_tree {
    nw_conf_tree_kind kind;
    bool is_quoted; /* a scalar in quotes or a block scalar: always a string */
    bool is_bare_switch; /* on or off, not quoted: refused unless the option has that word */
    bool is_broken; /* an error about it is reported already: later checks pass over it */
    int line;       /* 1-based, of the value */
    int column;     /* 1-based, in characters */
    int key_line;   /* of the key, where there is one */
    int key_column;
    const char *file;     /* where else than in the file this stands, such as a flag; else NULL */
    struct nw_slice key;  /* zero-terminated; ptr NULL outside mappings */
    struct nw_slice text; /* zero-terminated; "" but in scalars; a plain "" is "no value" */
    size_t child_count;
    struct nw_conf_tree *first; /* children, in file order */
    struct nw_conf_tree *next;
};

/*
 * Parses `text`; `file` stands in messages only; first_line ("newel: 1") is what an empty file is
 * told to begin with. On NW_INVALID diag holds at least one error; *out
 * is written nevertheless when the text could be read to its end (so that later checks can add
 * theirs), else NULL.
 */
NW_MUST_CHECK nw_err nw_conf_tree_parse(struct nw_slice text, const char *file,
                                        const char *first_line, struct nw_arena *arena,
                                        struct nw_diag *diag, struct nw_conf_tree **out);

/* The child of a mapping with that key, or NULL. */
const struct nw_conf_tree *nw_conf_tree_get(const struct nw_conf_tree *mapping, const char *key);

#endif
