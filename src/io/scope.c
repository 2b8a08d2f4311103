/*
 * A scope is a list of children and a count. It exists so that no fiber can outlive the memory it
 * borrows: its owner closes it before that memory goes, and closing waits, whatever the owner's own
 * deadline says. Cancelling does not descend: a child that owns a scope of its own is woken by the
 * cancellation and closes that scope on its way out, as it does after any other failure.
 */
#include "base/assert.h"
#include "io/fiber_impl.h"

void nw_scope_open(struct nw_scope *scope)
{
    const struct nw_fiber *fiber = nw_fiber_self();
    *scope = (struct nw_scope){.deadline_ms = fiber != NULL ? fiber->deadline_ms : NW_NEVER,
                               .is_vital = fiber != NULL && fiber->is_vital};
    nw_list_init(&scope->fibers);
}

static nw_err spawn(struct nw_scope *scope, const char *name, nw_fiber_fn fn, void *arg,
                    bool is_vital, struct nw_fiber **out_fiber)
{
    struct nw_worker *worker = nw_worker_self();
    NW_ASSERT(worker != NULL);
    struct nw_fiber *fiber = nw_fiber_new(worker, name, fn, arg, is_vital);
    if (fiber == NULL)
        return NW_BUSY;
    fiber->scope = scope;
    fiber->inherited_ms = fiber->deadline_ms = scope->deadline_ms;
    fiber->is_cancelled = scope->is_cancelled;
    nw_list_push_back(&scope->fibers, &fiber->sibling);
    scope->count++;
    if (out_fiber != NULL)
        *out_fiber = fiber;
    return NW_OK;
}

nw_err nw_scope_spawn(struct nw_scope *scope, const char *name, nw_fiber_fn fn, void *arg,
                      struct nw_fiber **out_fiber)
{
    return spawn(scope, name, fn, arg, scope->is_vital, out_fiber);
}

nw_err nw_scope_spawn_vital(struct nw_scope *scope, const char *name, nw_fiber_fn fn, void *arg,
                            struct nw_fiber **out_fiber)
{
    return spawn(scope, name, fn, arg, true, out_fiber);
}

void nw_scope_cancel(struct nw_scope *scope)
{
    scope->is_cancelled = true;
    NW_LIST_EACH (node, &scope->fibers)
        nw_fiber_cancel(NW_CONTAINER_OF(node, struct nw_fiber, sibling));
}

nw_err nw_scope_join(struct nw_scope *scope)
{
    NW_ASSERT(scope->joiner == NULL);
    while (scope->count != 0)
        NW_TRY(nw_fiber_wait(&scope->joiner));
    return NW_OK;
}

void nw_scope_close(struct nw_scope *scope)
{
    NW_ASSERT(scope->joiner == NULL);
    nw_scope_cancel(scope);
    while (scope->count != 0)
        nw_fiber_wait_always(&scope->joiner);
}
