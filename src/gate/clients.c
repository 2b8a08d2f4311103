/* A map from client address to a count stored in the value itself; an entry at zero is removed. */
#include "gate/clients.h"

#include "gate/ids.h"

static struct nw_slice key_of(const struct nw_ip *client)
{
    return nw_slice_of((const char *)client->bytes, client->is_v6 ? 8 : 4);
}

static uintptr_t change(struct nw_gate *gate, const struct gate_peer *peer, int delta, uint64_t max)
{
    struct nw_ip ip = gate_peer_ip(peer);
    struct nw_ip client = nw_ip_client(&ip);
    struct nw_slice key = key_of(&client);
    pthread_mutex_lock(&gate->lock);
    uintptr_t count = (uintptr_t)nw_map_get(&gate->clients, key);
    bool is_full = delta > 0 && count >= max;
    if (!is_full) {
        count += (uintptr_t)delta;
        if (count == 0)
            nw_map_remove(&gate->clients, key);
        else
            nw_map_put(&gate->clients, key, (void *)count);
    }
    pthread_mutex_unlock(&gate->lock);
    return is_full ? 0 : 1;
}

bool gate_clients_enter(struct nw_gate *gate, const struct gate_peer *peer, uint64_t max)
{
    return change(gate, peer, 1, max) != 0;
}

void gate_clients_leave(struct nw_gate *gate, const struct gate_peer *peer)
{
    change(gate, peer, -1, UINT64_MAX);
}
