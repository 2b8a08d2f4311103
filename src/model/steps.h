/*
 * steps.h - every result shows how it was computed.
 *
 * A function of the planner appends one step for each number that it derives: what it is called,
 * the formula, what went in and where that came from, the exact value and the rounded one. Text,
 * JSON, HTML and `explain` print these steps, so the four cannot differ. A function takes NULL
 * instead of a recorder where only the numbers are wanted (sensitivity, sweeps): the arithmetic is
 * the same code.
 *
 * Owner:   the recorder is the caller's and lives in an arena; strings are borrowed: static, or of
 *          the same arena
 * Threads: one recorder, one thread
 */
#ifndef NW_MODEL_STEPS_H
#define NW_MODEL_STEPS_H

#include "base/arena.h"
#include "model/units.h"

/* Where a number came from. */
typedef enum nw_model_origin {
    NW_MODEL_ASSUMED, /* a row of constants.def */
    NW_MODEL_GIVEN,   /* the file or a flag */
    NW_MODEL_SET,     /* --set: marked in the report */
    NW_MODEL_DERIVED, /* an earlier step */
} nw_model_origin;

/* An input: a number, how far it may be off, where it came from. low <= value <= high. */
struct nw_model_quantity {
    double value;
    double low;
    double high;
    nw_model_origin origin;
};

static inline struct nw_model_quantity nw_model_given(double value)
{
    return (struct nw_model_quantity){value, value, value, NW_MODEL_GIVEN};
}

static inline struct nw_model_quantity nw_model_derived(double value)
{
    return (struct nw_model_quantity){value, value, value, NW_MODEL_DERIVED};
}

struct nw_model_operand {
    const char *name; /* "peak", "1 + margin": as the formula shows it */
    double value;
    nw_model_unit unit;
    nw_model_origin origin;
};

static inline struct nw_model_operand nw_model_operand(const char *name, nw_model_unit unit,
                                                       struct nw_model_quantity quantity)
{
    return (struct nw_model_operand){name, quantity.value, unit, quantity.origin};
}

/* An operand that is the result of an earlier step. */
static inline struct nw_model_operand nw_model_operand_derived(const char *name, nw_model_unit unit,
                                                               double value)
{
    return (struct nw_model_operand){name, value, unit, NW_MODEL_DERIVED};
}

enum { NW_MODEL_OPERANDS_MAX = 8 };

struct nw_model_step {
    const char *path;  /* of the result, as in JSON: "services.app.nodes_base" */
    const char *label; /* for people: "App", "main"; NULL: goes on with the one before */
    /*
     * "{0} x {1} / ({2} x {3})": printed once with names, once with values. {0+} shows the name
     * behind the value as well: "4 load.peak". NULL: none.
     */
    const char *formula;
    struct nw_model_operand operands[NW_MODEL_OPERANDS_MAX];
    unsigned operand_count;
    double exact;   /* meaningless where reason is given */
    double rounded; /* equals exact unless is_rounded */
    bool is_rounded;
    nw_model_unit unit; /* of the result; COUNT where it is a number of things */
    const char *noun;   /* of a rate: "reads" shows "463.0 reads/s", "" shows "463.0 /s"; or NULL */
    const char *what;   /* behind the number: "nodes", "peak", "reads/s: primary alone" */
    const char *printed; /* what a guide prints for the same (worked.h), for --guides; or NULL */
    const char *fact;    /* "B2": the worked example of `explain`; or NULL */
    bool is_quiet;       /* text and HTML leave it out: another step's line has it already */
    const char *reason;  /* there is no value: "unstable", "beyond-peak"; else NULL */
};

struct nw_model_steps {
    struct nw_arena *arena;
    struct nw_model_step *items;
    size_t count;
    size_t cap;
};

void nw_model_steps_init(struct nw_model_steps *steps, struct nw_arena *arena);
/*
 * Appends a copy and returns it (valid until the next append); NULL when steps is NULL. Asserts
 * that exact and the operands are finite unless a reason is given. Where printed is NULL and this
 * very number is a worked example of a guide (worked.h), printed and fact are filled in.
 */
struct nw_model_step *nw_model_steps_add(struct nw_model_steps *steps,
                                         const struct nw_model_step *step);
/* "services.app" and "nodes": "services.app.nodes", in the recorder's arena; NULL without one. */
const char *nw_model_steps_path(const struct nw_model_steps *steps, const char *at,
                                const char *leaf);
/* A sentence in the recorder's arena; NULL without one. */
const char *nw_model_steps_text(const struct nw_model_steps *steps, const char *format, ...)
    NW_PRINTF(2, 3);
/* The last step of that path, or NULL. */
const struct nw_model_step *nw_model_steps_find(const struct nw_model_steps *steps,
                                                const char *path);
/* "peak x (1 + margin) / (node_rate x efficiency)" */
void nw_model_step_print_formula(struct nw_text *out, const struct nw_model_step *step);
/*
 * "10,416.7 x 1.30 / (300 x 0.85)": rates, shares, money and numbers bare, because the unit stands
 * with the result; times and bytes with theirs, because it changes with their size.
 */
void nw_model_step_print_values(struct nw_text *out, const struct nw_model_step *step);
/* "53.10 -> 54" or "2,604.2/s" or "none: unstable" */
void nw_model_step_print_result(struct nw_text *out, const struct nw_model_step *step,
                                const char *currency);

#endif
