/* Two binary searches at most, and none where nothing is listed: see base/ip_ranges.h. */
#include "gate/address.h"

#include "gate/denied.h"
#include "gate/ids.h"

static bool has(const struct nw_conf_networks *networks, const struct nw_ip *ip)
{
    return networks->ranges != NULL && nw_ip_ranges_have(networks->ranges, ip);
}

static bool is_admitted(const struct nw_conf_networks *allow, const struct nw_conf_networks *deny,
                        const struct nw_ip *ip)
{
    return !has(deny, ip) && (allow->ranges == NULL || has(allow, ip));
}

bool gate_address_may_connect(const struct nw_conf_listen *listen, const struct gate_peer *peer)
{
    if (listen == NULL || peer->kind == NW_ADDR_UNIX)
        return true;
    struct nw_ip ip = gate_peer_ip(peer);
    return is_admitted(&listen->allow, &listen->deny, &ip);
}

bool gate_address_is_proxy(const struct nw_conf_listen *listen, const struct gate_peer *peer)
{
    if (listen == NULL || peer->kind == NW_ADDR_UNIX)
        return false;
    struct nw_ip ip = gate_peer_ip(peer);
    return has(&listen->proxy_protocol, &ip);
}

nw_err gate_address_check_route(struct gate_request *request, const struct nw_conf_route *route)
{
    const struct nw_addr *client = &request->exchange.client;
    if (client->kind == NW_ADDR_UNIX)
        return NW_OK;
    struct gate_peer peer = {.kind = client->kind};
    memcpy(peer.ip, client->ip6, client->kind == NW_ADDR_IP6 ? 16 : 4);
    struct nw_ip ip = gate_peer_ip(&peer);
    if (is_admitted(&route->allow, &route->deny, &ip))
        return NW_OK;
    gate_denied(request->worker, GATE_DENIED_ROUTE, request->conn->listener, &peer,
                "a route is not for this address");
    return NW_DENIED;
}
